import { Redis } from 'ioredis'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { About, Job, WaitingKey, WaitingList } from '../../../src/dashboard/api.js'
import { dashboard } from '../../../src/dashboard/index.js'
import { connect, ladder, type Dueque, type Strategy } from '../../../src/index.js'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { redis } from '../../../src/strategies/redis/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { useRedis } from '../../support/redis.js'
import { client } from '../../unit/dashboard/board.js'

const vhost = useVhost()
const server = useRedis()
const database = usePostgres()

/** Ends with the test, in the reverse order. */
function inRedis(): Strategy {
  const connection = new Redis(server.url)
  onTestFinished(() => connection.disconnect())
  return redis({ client: connection, prefix: unique(server.prefix) })
}

function inPostgres(): Strategy {
  const pool = new pg.Pool({ connectionString: database.url })
  onTestFinished(() => pool.end())
  return postgres({ pool, schema: unique('board').replace('-', '_') })
}

async function open(strategy: Strategy, namespace = unique('board')) {
  const mq = await connect({ url: vhost.url, strategy, namespace, logger: false })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return { mq, namespace, ...client(dashboard(mq, { access: 'all' })) }
}

/** Four messages, an hour apart, to a queue of the test. */
async function fill(mq: Dueque, queue: string): Promise<void> {
  const ids = ['order/1', 'order/2', 'visit/12', '<b>\u202e']
  for (const [n, id] of ids.entries())
    await mq.schedule(note, { n }, { to: { queue }, declare: true, id, in: { hours: n + 1 }, headers: { n } })
}

const keys = (list: WaitingList): WaitingKey[] =>
  list.messages.map(({ id, revision, readyAt }) => ({ id, revision, readyAt }))
const ids = (list: WaitingList) => list.messages.map(({ id }) => id)

describe.each<[string, () => Strategy]>([
  ['a journal, read by an index of the strategy', () => ladder({ journal: { index: true } })],
  ['a journal, read by an index of the dashboard', () => ladder({ journal: true })],
  ['redis', inRedis],
  ['postgres', inPostgres],
])('with %s', (_, strategy) => {
  test('waiting messages are listed, searched, counted and shown, recurring ones apart', async () => {
    const { mq, get } = await open(strategy())
    const queue = unique('q')
    await fill(mq, queue)
    const recurring = (mq as unknown as { recurring: { set: (id: string, options: object) => Promise<unknown> } })
      .recurring
    await recurring.set('daily', { message: note, payload: { n: 1 }, to: { queue }, cron: '0 9 * * *' })
    expect((await get<About>('api/about')).body).toMatchObject({
      waiting: { list: true },
      broker: true,
      recurring: true,
    })
    const { body: page } = await get<WaitingList>('api/waiting?limit=2')
    expect(ids(page)).toEqual(['order/1', 'order/2'])
    const { body: next } = await get<WaitingList>(`api/waiting?cursor=${page.cursor}`)
    expect(next).toMatchObject({
      messages: [{ id: 'visit/12' }, { id: '<b>\u202e', destination: `queue:${queue}` }],
      cursor: null,
    })
    const found = async (query: string) => ids((await get<WaitingList>(`api/waiting?${query}`)).body)
    expect(await found('id=2')).toEqual(['order/2', 'visit/12'])
    expect(await found('idPrefix=order/')).toHaveLength(2)
    expect(await found('header=n=2')).toEqual(['visit/12'])
    expect((await get('api/waiting/count')).body).toEqual({ count: 4 })
    expect((await get('api/waiting/count?id=visit')).body).toEqual({ count: 1 })
    const { counts } = (await get<{ counts: { count: number }[] }>('api/timeline?range=day')).body
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(4)
    expect((await get('api/waiting/message?id=visit/12')).body).toMatchObject({ headers: { n: 2 }, bytes: 7 })
    expect((await get('api/waiting/payload?id=visit/12')).body).toEqual({ encoding: 'utf8', text: '{"n":2}' })
  })

  test('some are rescheduled, and all that fit a search cancelled', async () => {
    const { mq, get, post } = await open(strategy())
    await fill(mq, unique('q'))
    const list = async () => (await get<WaitingList>('api/waiting')).body
    const change = async (body: object) => (await post<Job>('api/waiting/change', body)).body
    const until = async (work: () => Promise<unknown>, expected: unknown) =>
      expect.poll(work, { timeout: 20_000 }).toEqual(expected)
    const messages = keys(await list()).slice(0, 1)
    expect(await change({ action: 'reschedule', messages, in: '9h' })).toMatchObject({ of: 1 })
    await until(async () => ids(await list()), ['order/2', 'visit/12', '<b>\u202e', 'order/1'])
    const search = { idPrefix: 'order/' }
    expect(await change({ action: 'cancel', search, expected: 1 })).toMatchObject({ code: 'COUNT_CHANGED' })
    await change({ action: 'cancel', search, expected: 2 })
    await until(async () => ids(await list()), ['visit/12', '<b>\u202e'])
    await until(
      async () => (await get<{ jobs: Job[] }>('api/jobs')).body.jobs.map(({ state, outcomes }) => [state, outcomes]),
      [
        ['done', { cancelled: 2 }],
        ['done', { rescheduled: 1 }],
      ],
    )
  })
})

test('without a journal, the ladder says what would give a list, and messages can be cancelled by their keys', async () => {
  const { mq, get, post } = await open(ladder())
  const { id, revision, dueAt } = await mq.schedule(
    note,
    { n: 1 },
    { to: { queue: unique('q') }, declare: true, in: '1h' },
  )
  const { body: about } = await get<About>('api/about')
  expect(about).toMatchObject({
    waiting: { list: false, hint: expect.stringContaining('journal') as string },
    ladder: true,
  })
  expect(about.permissions).toEqual(['payloads', 'cancel', 'redrive', 'purge', 'recurring'])
  for (const route of ['waiting', 'waiting/count', 'waiting/message?id=x', 'timeline'])
    expect(await get(`api/${route}`)).toMatchObject({ status: 409, body: { code: 'NO_LIST' } })
  const messages = [{ id, revision, readyAt: dueAt }]
  expect((await post('api/waiting/change', { action: 'cancel', messages })).body).toMatchObject({
    outcomes: { cancelled: 1 },
  })
  expect((await post('api/waiting/change', { action: 'deliver-now', messages })).status).toBe(409)
})

test('a journal that other processes write is read, too, and messages of it stay where they are', async () => {
  const { mq, namespace } = await open(ladder({ journal: true }))
  await fill(mq, unique('q'))
  const { get } = await open(ladder(), namespace)
  expect((await get<About>('api/about')).body).toMatchObject({
    ...{ waiting: { list: true }, permissions: ['payloads', 'cancel', 'redrive', 'purge', 'recurring'] },
  })
  expect(ids((await get<WaitingList>('api/waiting')).body)).toHaveLength(4)
})

test('a dashboard that is closed while it looks for a journal does not begin to read it', async () => {
  const { mq } = await open(ladder({ journal: true }))
  await fill(mq, unique('q'))
  const board = dashboard(mq)
  const counted = client(board).get('api/waiting/count')
  // The look opens a connection meanwhile.
  await new Promise(setImmediate)
  await board.close()
  expect(await counted).toMatchObject({ status: 503, body: { code: 'CLOSED' } })
})

test('an index that would be too large is said to be so, and every answer is still right', async () => {
  const { mq, get } = await open(ladder({ journal: { index: { maxEntries: 2 } } }))
  await fill(mq, unique('q'))
  const count = async () => (await get('api/waiting/count')).body
  expect(await count()).toEqual({ count: 4 })
  const hint = async () => (await get<About>('api/about')).body.waiting.hint
  await expect.poll(hint, { timeout: 10_000 }).toContain('reads the whole journal')
  expect(await count()).toEqual({ count: 4 })
  expect(ids((await get<WaitingList>('api/waiting?id=12')).body)).toEqual(['visit/12'])
})
