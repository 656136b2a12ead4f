import type { Channel, ConsumeMessage } from 'amqplib'
import { beforeEach, describe, expect, test } from 'vitest'
import { connect, isDuequeError } from '../../src/index.js'
import { deadMessages } from '../../src/operate/failed/dead-messages.js'
import { listFailed } from '../../src/operate/failed/list-failed.js'
import { parkedMessages } from '../../src/operate/failed/parked-messages.js'
import { purgeFailed } from '../../src/operate/failed/purge-failed.js'
import { redriveFailed, type RedriveResult } from '../../src/operate/failed/redrive-failed.js'
import { showFailed } from '../../src/operate/failed/show-failed.js'
import { diagnose } from '../../src/operate/doctor/diagnose.js'
import { statusReport } from '../../src/operate/status.js'
import { applyTopology } from '../../src/operate/topology/apply.js'
import { removeTopology } from '../../src/operate/topology/remove.js'
import { verifyTopology } from '../../src/operate/topology/verify.js'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { depth, holds, park, PARKED } from '../support/parked.js'
import { unique } from '../strategies/recorder.js'

/** The library of operators as a dashboard calls it, without the command line. */
const vhost = useVhost()
let channel: Channel

beforeEach(async () => {
  const mq = await open(vhost.url)
  await mq.close()
  channel = await rawChannel(vhost.url)
  await channel.purgeQueue(PARKED)
})

const here = () => ({ url: vhost.url, logger: false as const })
const ids = ({ messages }: { messages: { id: string | undefined }[] }) => messages.map(({ id }) => id)

describe('failed messages', () => {
  test('are listed page by page, in the order of the queue, with the count of all', async () => {
    const all = Array.from({ length: 7 }, (_, i) => `m-${i}`)
    await park(
      channel,
      all.map((id) => ({ id })),
    )
    const pages: unknown[] = []
    for (let offset = 0; offset < all.length; offset += 3) {
      await holds(channel, PARKED, all.length)
      const page = await listFailed(parkedMessages, { ...here(), offset, limit: 3 })
      expect(page).toMatchObject({ queue: PARKED, count: all.length })
      pages.push(ids(page))
    }
    expect(pages).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6)])
    await holds(channel, PARKED, all.length)
  })

  test('one is shown with its body, and an unknown id is undefined', async () => {
    await park(channel, [{ id: 'a' }, { id: 'b' }])
    const found = await showFailed(parkedMessages, 'b', here())
    expect(found).toMatchObject({ summary: { id: 'b' }, details: { encoding: 'utf8', cut: false } })
    expect(await showFailed(parkedMessages, 'c', here())).toBeUndefined()
    await holds(channel, PARKED, 2)
  })

  test('are purged by a filter, unless the answer is no; unknown ids are reported', async () => {
    await park(channel, [{ id: 'a' }, { id: 'b' }, { id: 'c' }])
    const asked: unknown[] = []
    const no = (queue: unknown) => (asked.push(queue), Promise.resolve(false))
    const filter = { id: ['b', 'z'] }
    expect(await purgeFailed(parkedMessages, { ...here(), filter, confirm: no })).toMatchObject({
      removed: 0,
      confirmed: false,
    })
    expect(asked).toEqual([{ name: PARKED, count: 3 }])
    await holds(channel, PARKED, 3)
    expect(await purgeFailed(parkedMessages, { ...here(), filter })).toMatchObject({ removed: 1, missing: ['z'] })
    await holds(channel, PARKED, 2)
    expect(ids(await listFailed(parkedMessages, here()))).toEqual(['a', 'c'])
  })

  test('parked ones are removed only if exactly as many fit as are expected', async () => {
    const headers = { 'dueque-parked-reason': 'missing' }
    await park(channel, [{ id: 'a', headers }, { id: 'b' }, { id: 'c', headers }])
    const purge = (expected: number, filter = {}) => purgeFailed(parkedMessages, { ...here(), filter, expected })
    expect(await purge(1, { reason: ['missing'] })).toMatchObject({ removed: 0, confirmed: false, found: 2 })
    expect(await purge(2)).toMatchObject({ removed: 0, confirmed: false, found: 3 })
    await holds(channel, PARKED, 3)
    expect(ids(await listFailed(parkedMessages, here()))).toEqual(['a', 'b', 'c'])
    expect(await purge(2, { reason: ['missing'] })).toMatchObject({ removed: 2, confirmed: true })
    await holds(channel, PARKED, 1)
    expect(await purge(1)).toMatchObject({ removed: 1, found: 1 })
    await holds(channel, PARKED, 0)
  })

  test('parked ones are sent on to the destination that an operator gives, and the outcome of each is reported', async () => {
    const queue = unique('work')
    await channel.assertQueue(queue, { durable: true })
    await park(channel, [{ id: 'a' }, { id: 'b' }])
    const results: RedriveResult[] = []
    const progress: unknown[] = []
    const summary = await redriveFailed(parkedMessages, {
      ...here(),
      filter: { id: ['a'] },
      to: { queue },
      onResult: (result) => void results.push(result),
      onProgress: (done, whole) => progress.push([done, whole]),
    })
    expect(summary).toEqual({ queue: PARKED, sent: 1, left: 0, missing: [] })
    expect(results).toMatchObject([{ id: 'a', sent: { id: 'a', destination: { queue } } }])
    expect(progress).toEqual([[1, 2]])
    await holds(channel, queue, 1)
    await holds(channel, PARKED, 1)
  })

  test('a parked one is not sent to a destination that its namespace does not reach, unless the operator binds it', async () => {
    const queue = unique('work')
    await channel.assertQueue(queue, { durable: true })
    await park(channel, [{ id: 'a', to: `queue:${queue}` }])
    const results: RedriveResult[] = []
    const onResult = (result: RedriveResult) => void results.push(result)
    const management = managementUrl() ?? false
    expect(await redriveFailed(parkedMessages, { ...here(), management, onResult })).toMatchObject({ sent: 0, left: 1 })
    expect(results).toMatchObject([{ id: 'a', error: { code: 'NOT_BOUND' } }])
    await holds(channel, PARKED, 1)
    expect(await redriveFailed(parkedMessages, { ...here(), management, bind: [{ queue }] })).toMatchObject({
      sent: 1,
      left: 0,
    })
    expect(await depth(channel, PARKED)).toBe(0)
  })

  test('a missing queue is an error with a code, and so is an invalid option', async () => {
    const work = unique('never-consumed')
    const error = await failure(listFailed(deadMessages(work), here()))
    expect(error).toMatchObject({ code: 'DESTINATION_MISSING' })
    expect(isDuequeError(await failure(listFailed(parkedMessages, { ...here(), limit: -1 })), 'INVALID_OPTION')).toBe(
      true,
    )
  })
})

describe('status', () => {
  test.skipIf(managementUrl() === undefined)(
    `counts by the management API${managementUrl() === undefined ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''}`,
    async () => {
      const mq = await connect(here())
      await mq.close()
      const report = await statusReport({ ...here(), management: managementUrl() })
      expect(report).toMatchObject({ namespace: 'dueque', source: 'management' })
    },
  )

  test('a management API that does not answer is an error with a code', async () => {
    const error = await failure(statusReport({ ...here(), management: 'http://127.0.0.1:1' }))
    expect(error).toMatchObject({ code: 'MANAGEMENT_FAILED', data: { host: '127.0.0.1:1' } })
  })

  test('counts over AMQP if the management API is switched off', async () => {
    await park(channel, [{ id: 'a' }, { id: 'b' }])
    const steps: number[] = []
    const report = await statusReport({ ...here(), management: false, onProgress: (done) => steps.push(done) })
    expect(report).toMatchObject({ source: 'amqp', parked: { queue: PARKED, messages: 2, ready: 2 } })
    expect(steps.at(-1)).toBe(steps.length)
  })
})

test('doctor gives its findings to a program, each with an area, a severity and a code', async () => {
  const {
    namespace,
    vhost: at,
    findings,
  } = await diagnose({
    ...here(),
    management: managementUrl() ?? false,
    roundTrip: false,
    checkStore: () => Promise.resolve([{ severity: 'ok', code: 'store-fine', what: 'the store is fine', todo: '' }]),
  })
  expect({ namespace, at }).toEqual({ namespace: 'dueque', at: vhost.name })
  // RabbitMQ 3.10.8 is `version-loses`, a warning.
  const version = expect.stringMatching(/^version(-loses)?$/) as string
  expect(findings).toContainEqual(expect.objectContaining({ area: 'broker', code: version }))
  expect(findings).toContainEqual(expect.objectContaining({ area: 'store', code: 'store-fine' }))
  expect(findings.some(({ area }) => area === 'round trip')).toBe(false)
})

test('doctor ends early on abort, and reports that the round trip was interrupted', async () => {
  const { findings } = await diagnose({ ...here(), management: false, signal: AbortSignal.abort() })
  expect(findings.at(-1)).toMatchObject({ area: 'round trip', code: 'trip-interrupted' })
})

test.skipIf(managementUrl() === undefined)(
  `a topology is declared, verified and removed by a program${managementUrl() === undefined ? ' (skipped: RABBITMQ_MANAGEMENT_URL is not set)' : ''}`,
  // 375 queues are declared in one go.
  { timeout: 120_000 },
  async () => {
    const [namespace, queue] = [unique('ns'), unique('work')]
    const options = {
      ...here(),
      namespace,
      queueType: 'classic' as const,
      batches: [queue],
      management: managementUrl(),
    }
    const created = await applyTopology(options)
    for (const name of [queue, `${queue}.dead`, `${queue}.batches`])
      expect(created).toContainEqual({ kind: 'queue', name, change: 'created' })
    expect(await verifyTopology(options)).toEqual({ gaps: [] })
    const first = await firstIn(`${namespace}.v1.cancellations.1h`)
    expect([first.content.length, first.properties.headers?.['x-stream-offset']]).toEqual([0, 0])
    channel.sendToQueue(`${namespace}.v1.parked`, Buffer.from('x'))
    await holds(channel, `${namespace}.v1.parked`, 1)
    // The totals of the management API are some seconds old.
    const counted = async () =>
      (await statusReport({ ...here(), namespace, management: managementUrl() })).parked?.messages === 1
    await poll(counted, { what: 'the message to be counted', timeoutMs: 30_000 })
    expect(await removeTopology(options)).toEqual({
      changes: [],
      refused: { name: `${namespace}.v1.parked`, messages: 1, what: 'messages', moreQueues: 0 },
    })
    const { changes } = await removeTopology({ ...options, force: true })
    expect(changes).toContainEqual({ kind: 'queue', name: `${namespace}.v1.parked`, change: 'deleted' })
    expect(changes.filter(({ name }) => name.startsWith(queue))).toEqual([])
  },
)

/** The first record of a stream. */
async function firstIn(stream: string): Promise<ConsumeMessage> {
  const reader = await rawChannel(vhost.url)
  await reader.prefetch(1)
  return new Promise((resolve) => {
    const take = { arguments: { 'x-stream-offset': 'first' } }
    void reader.consume(stream, (message) => message && resolve(message), take)
  })
}
