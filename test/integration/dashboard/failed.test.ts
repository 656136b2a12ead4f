import type { Channel } from 'amqplib'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { FailedList, FailedQueues, Job } from '../../../src/dashboard/api.js'
import { dashboard } from '../../../src/dashboard/index.js'
import { on } from '../../../src/index.js'
import { bury } from '../../support/dead.js'
import { managementUrl, useVhost } from '../../support/broker.js'
import { open as openMq, rawChannel } from '../../support/mq.js'
import { depth, holds, park, PARKED } from '../../support/parked.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'
import { client } from '../../unit/dashboard/board.js'

const vhost = useVhost()
let channel: Channel
let queue: string

beforeEach(async () => {
  channel = await rawChannel(vhost.url)
  queue = unique('work')
})

async function open() {
  const mq = await openMq(vhost.url, { logger: false })
  await (await mq.consume(queue, [on(note, () => undefined)])).close()
  const board = dashboard(mq, { access: 'all', management: managementUrl() })
  onTestFinished(() => board.close())
  const { get, post } = client(board)
  const list = async (query: string) => (await get<FailedList>(`api/failed/list?${query}`)).body
  const change = async (what: string, body: object) =>
    (await post<Job & { code?: string }>(`api/failed/${what}`, body)).body
  return { mq, get, post, list, change }
}

const ended = async (get: (path: string) => Promise<{ body: unknown }>) => {
  const jobs = async () => ((await get('api/jobs')).body as { jobs: Job[] }).jobs
  await expect.poll(async () => (await jobs())[0]?.state, { timeout: 20_000 }).not.toBe('running')
  return (await jobs())[0]!
}

describe('dead messages', () => {
  test('are listed by queue and reason, page by page, and shown with error and stack', async (context) => {
    const { get, list } = await open()
    const headers = { 'dueque-dead-stack': 'Error: no such room\n  at x.js:1', clinic: '<b>' }
    const body = Buffer.from([0xff, 0x00])
    await bury(channel, queue, [{ id: 'a', headers, body }, { id: 'b' }, { id: 'c', reason: 'expired', name: 'other' }])
    const own = `kind=dead&queue=${queue}`
    const page = await list(`${own}&limit=2`)
    expect(page).toMatchObject({
      ...{
        count: 3,
        messages: [{ id: 'a', error: 'no such room', attempts: 3, reason: 'handler-error' }, { id: 'b' }],
      },
      reasons: [
        { reason: 'handler-error', count: 2 },
        { reason: 'expired', count: 1 },
      ],
    })
    expect(await list(`${own}&offset=2`)).toMatchObject({ messages: [{ id: 'c' }] })
    expect(await list(`${own}&reason=expired&name=other`)).toMatchObject({ count: 1, messages: [{ id: 'c' }] })
    const one = await get(`api/failed/message?${own}&id=a&body=1`)
    expect(one.body).toMatchObject({
      ...{ id: 'a', stack: headers['dueque-dead-stack'], bytes: 2, body: { encoding: 'base64', text: '/wA=' } },
    })
    expect((await get(`api/failed/message?${own}&id=a`)).body).not.toHaveProperty('body')
    expect((await get(`api/failed/message?${own}&id=z`)).status).toBe(404)
    await holds(channel, `${queue}.dead`, 3)
    if (managementUrl() === undefined) return context.skip('RABBITMQ_MANAGEMENT_URL is not set')
    const mine = async () => {
      const { queues } = (await get<FailedQueues>('api/failed?kind=dead')).body
      return queues.find((one) => one.queue === queue)
    }
    await expect.poll(mine, { timeout: 30_000 }).toMatchObject({ messages: 3, reasons: [{ count: 2 }, { count: 1 }] })
  })

  test('one, some or all are redriven, by a rate, and a job that is stopped leaves the others', async () => {
    const { mq, get, post, change } = await open()
    const all = Array.from({ length: 8 }, (_, i) => ({
      id: `m-${i}`,
      name: 'test.note',
      body: Buffer.from(`{"n":${i}}`),
    }))
    await bury(channel, queue, all)
    await change('redrive', { kind: 'dead', queue, id: ['m-3', 'gone'], expected: 2 })
    expect(await ended(get)).toMatchObject({
      what: `redrive 2 messages of ${queue}.dead`,
      state: 'done',
      outcomes: { redriven: 1 },
    })
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(1)
    expect(recorder.numbers).toEqual([3])
    const job = await change('redrive', { kind: 'dead', queue, rate: 2, expected: 7 })
    expect(job.state).toBe('running')
    expect(await post('api/jobs/stop', { id: job.id })).toMatchObject({ status: 200 })
    const stopped = await ended(get)
    expect(stopped).toMatchObject({ id: job.id, state: 'stopped' })
    const sent = stopped.outcomes.redriven ?? 0
    expect(sent).toBeLessThan(7)
    await holds(channel, `${queue}.dead`, 7 - sent)
    // One has come since the others were counted.
    await bury(channel, queue, [{ id: 'late', name: 'test.note', body: Buffer.from('{"n":8}') }])
    await change('redrive', { kind: 'dead', queue, expected: 7 - sent })
    expect(await ended(get)).toMatchObject({ state: 'done', outcomes: { redriven: 7 - sent } })
    await holds(channel, `${queue}.dead`, 1)
    expect(await change('redrive', { kind: 'dead', queue })).toMatchObject({ code: 'BAD_REQUEST' })
    await recorder.has(8)
    expect(recorder.numbers.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  }, 90_000)
})

describe('parked messages', () => {
  beforeEach(async () => {
    await (await openMq(vhost.url)).close()
    await channel.purgeQueue(PARKED)
  })

  test('are counted by reason, listed, and removed if the number is right', async () => {
    const { get, list, change } = await open()
    const headers = { 'dueque-parked-reason': 'missing', 'dueque-parked-at': Date.now() }
    await park(channel, [{ id: 'a', headers }, { id: 'b', headers }, { id: '\u202e<script>' }])
    expect((await get<FailedQueues>('api/failed?kind=parked')).body.queues).toMatchObject([
      {
        queue: PARKED,
        messages: 3,
        oldest: expect.any(String) as string,
        reasons: [{ reason: 'missing', count: 2 }, {}],
      },
    ])
    expect((await list('kind=parked')).messages.map(({ id }) => id)).toEqual(['a', 'b', '\u202e<script>'])
    await holds(channel, PARKED, 3)
    expect(await change('purge', { kind: 'parked', expected: 2 })).toMatchObject({ code: 'COUNT_CHANGED' })
    expect(await change('purge', { kind: 'parked' })).toMatchObject({ code: 'BAD_REQUEST' })
    expect(await depth(channel, PARKED)).toBe(3)
    await change('purge', { kind: 'parked', id: ['a'], expected: 1 })
    expect(await ended(get)).toMatchObject({ state: 'done', outcomes: { removed: 1 } })
    await holds(channel, PARKED, 2)
    await change('purge', { kind: 'parked', expected: 2 })
    expect(await ended(get)).toMatchObject({ state: 'done', outcomes: { removed: 2 } })
    expect((await get<FailedQueues>('api/failed?kind=parked')).body.queues).toEqual([])
  })

  test('one that cannot be sent on stays, and the job says why', async () => {
    const { get, change } = await open()
    await park(channel, [{ id: 'a', to: `queue:${unique('missing')}` }])
    await change('redrive', { kind: 'parked', expected: 1 })
    expect(await ended(get)).toMatchObject({
      ...{ state: 'done', done: 1, outcomes: { failed: 1 }, failure: { code: 'DESTINATION_MISSING' } },
    })
    await holds(channel, PARKED, 1)
  })
})

test.each(['kind=x', 'kind=dead', 'kind=dead&queue=dq~x', 'kind=parked&limit=x'])(
  'the question %s is refused',
  async (query) => {
    const { get } = await open()
    expect((await get(`api/failed/list?${query}`)).status).toBe(400)
  },
)

test('a queue that is not there is said so', async () => {
  const { get } = await open()
  expect(await get(`api/failed/list?kind=dead&queue=${unique('none')}`)).toMatchObject({
    ...{ status: 404, body: { code: 'DESTINATION_MISSING' } },
  })
})
