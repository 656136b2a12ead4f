import { expect, onTestFinished, test } from 'vitest'
import { AmqpBroker } from '../../../src/amqp/amqp-broker.js'
import { quietEvents } from '../../../src/amqp/connection/quiet-events.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { ladder, type DelayedMessage, type JournalOptions, type WaitOptions } from '../../../src/index.js'
import { decodeRecord, type Entry } from '../../../src/journal/journal-record.js'
import { readLines } from '../../../src/log/lines.js'
import { cancellationLayout, journalLayout } from '../../../src/log/log-layout.js'
import { restoreJournal } from '../../../src/operate/restore/restore-journal.js'
import { resolveOptions } from '../../../src/options.js'
import { openSession } from '../../../src/session.js'
import { Recorder, unique } from '../../strategies/recorder.js'
import { managementUrl, useVhost } from '../../support/broker.js'
import { failure, open, rawChannel } from '../../support/mq.js'
import { streamMessages } from '../../support/stream-messages.js'
import { userWith } from '../../support/users.js'

const vhost = useVhost()
const HOUR = 3_600_000

/** A namespace with a journal, a log of cancellations, and a way to schedule messages as they are. */
async function journalled(journal: true | JournalOptions = true, namespace = unique('ns')) {
  const strategy = ladder({ journal })
  const options = resolveOptions({ url: vhost.url, namespace, strategy })
  const session = await openSession(new AmqpBroker(options, quietEvents()), options, { onError: () => undefined })
  onTestFinished(() => session.close())
  await strategy.cancellations.ready!()
  const schedule = (message: DelayedMessage, wait: Partial<WaitOptions> = {}) =>
    strategy.schedule(message, { declare: true, ...wait })
  const cancel = (id: string, revision: number) =>
    strategy.cancellations.write({ id, revision, due: Date.now() + HOUR })
  return { namespace, schedule, cancel, options: { url: vhost.url, namespace, logger: false as const } }
}

let revision = Date.now() * 1000

function message(id: string, queue: string, fields: Partial<DelayedMessage> = {}): DelayedMessage {
  const now = Date.now()
  return {
    ...{ id, name: 'test.note', version: 1, body: Buffer.from(`{"n":1,"text":"${id}"}`), destination: { queue } },
    ...{ dueAt: now + HOUR, scheduledAt: now, expiresAt: undefined, revision: revision++, attempt: 1, headers: {} },
    ...{ priority: undefined, correlationId: undefined, dedupeKey: undefined },
    ...fields,
  }
}

async function entriesOf(namespace: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const { name } of journalLayout(new Names(namespace)).streams())
    for (const { content } of await streamMessages(vhost.url, name)) {
      const read = (line: string) => {
        const record = decodeRecord(line)
        if (record.refused === undefined) entries.push(record)
      }
      readLines(content, read, (error) => expect.unreachable(error.message))
    }
  return entries
}

test('its own journal is restored once: everything of each message, without the cancelled ones and those scheduled since', async () => {
  const { namespace, schedule, cancel, options } = await journalled()
  const queue = unique('restore')
  const foreign = {
    properties: { contentEncoding: 'x', replyTo: 'y' },
    headers: { bytes: Buffer.from([1, 255]) as never },
  }
  const full: Partial<DelayedMessage> = {
    ...{ retryAt: Date.now() + 2 * HOUR, attempt: 3, firstFailedAt: Date.now() - 5, lastFailedAt: Date.now() - 4 },
    ...{ routingKey: 'as it was', headers: { a: { b: [1, { c: null }] } }, priority: 2, correlationId: 'c' },
    ...{ dedupeKey: 'd', rescues: 1, furtherKeys: ['k'], expiresAt: Date.now() + 9 * HOUR },
  }
  const lost = [
    message('plain', queue),
    message('full', queue, full),
    message('binary', queue, { body: Buffer.from([0, 255, 128]), ...foreign }),
    message('empty', queue, { body: Buffer.alloc(0), dueAt: Date.now() + 100 * 24 * HOUR }),
    message('outlet', queue, { destination: { queue, outlet: true } }),
    message('twice', queue),
    message('twice', queue),
  ]
  const cancelled = message('cancelled', queue)
  for (const one of [...lost, cancelled]) await schedule(one)
  await cancel(cancelled.id, cancelled.revision)

  const dry = await restoreJournal(options)
  expect(dry).toMatchObject({
    restored: 0,
    left: lost.length,
    plan: { isOwn: true, messages: lost.length, overdue: 0 },
  })
  expect(dry.plan.destinations).toMatchObject([
    { destination: { queue }, messages: lost.length - 1, exists: true },
    { destination: { queue, outlet: true }, messages: 1, exists: true },
  ])
  const before = await entriesOf(namespace)
  expect(before).toHaveLength(lost.length + 1)
  const lostAt = new Date()
  expect(await restoreJournal({ ...options, lostAt, execute: true })).toMatchObject({
    restored: lost.length,
    failed: 0,
    left: 0,
  })
  const restored = (await entriesOf(namespace)).filter(({ restored }) => restored)
  const byRevision = (entries: readonly Entry[]) =>
    entries.map(({ message }) => message).sort((a, b) => a.revision - b.revision)
  expect(byRevision(restored)).toEqual(byRevision(before).filter(({ id }) => id !== 'cancelled'))

  const again = await restoreJournal({ ...options, lostAt, execute: true })
  expect(again.plan).toMatchObject({ messages: 0, skipped: { present: lost.length, cancelled: 1 } })
  // Lost a second time.
  const later = await restoreJournal({ ...options, lostAt: new Date() })
  expect(later.plan).toMatchObject({ messages: lost.length, skipped: { present: 0, cancelled: 1 } })
})

test('messages that became due since the loss are delivered at once, in another namespace, and once when it is repeated', async () => {
  const source = await journalled()
  const target = {
    url: vhost.url,
    namespace: unique('ns'),
    from: { namespace: source.namespace },
    logger: false,
  } as const
  const queue = unique('restore')
  const lostAt = new Date()
  await source.schedule(message('later', queue))
  await source.schedule(message('soon', queue, { dueAt: Date.now() + 3000 }))
  // It is handled before the restore, as if the instant of the loss was given too early.
  const mq = await open(vhost.url, { namespace: source.namespace })
  await (await Recorder.on(mq, queue)).has(1)
  await mq.close()
  const now = await restoreJournal(target)
  expect(now.plan).toMatchObject({ messages: 1, justBefore: 1, skipped: { present: 0 }, isOwn: false })
  const first = await restoreJournal({ ...target, lostAt, execute: true })
  expect(first).toMatchObject({ restored: 2, plan: { messages: 2, overdue: 1, justBefore: 0 } })
  const second = await restoreJournal({ ...target, lostAt, execute: true })
  expect(second).toMatchObject({ restored: 0, plan: { messages: 0, skipped: { present: 2 } } })
  const recorder = await Recorder.on(await open(vhost.url, { namespace: target.namespace }), queue)
  await recorder.has(1)
  expect(recorder.deliveries.map(({ id }) => id)).toEqual(['soon'])
})

test('missing destinations are named before anything is sent; missing queues can be declared', async () => {
  const { namespace, schedule, options } = await journalled()
  const [queue, exchange] = [unique('restore'), unique('restore')]
  const raw = await rawChannel(vhost.url)
  await raw.assertExchange(exchange, 'fanout', { durable: true })
  await schedule(message('a', queue))
  await schedule(message('b', '', { destination: { exchange, routingKey: 'k' } }))
  await raw.deleteQueue(queue)
  await raw.deleteExchange(exchange)
  const both = `queue:${queue} (1 message), exchange:${exchange} (1 message)`
  const execute = { ...options, lostAt: new Date(), execute: true }
  const error = await failure(restoreJournal(execute))
  expect(error).toMatchObject({ code: 'DESTINATION_MISSING', message: expect.stringContaining(both) as string })
  const other = await failure(restoreJournal({ ...execute, declare: true }))
  expect(other).toMatchObject({ code: 'DESTINATION_MISSING', data: { destination: `exchange:${exchange}` } })
  expect((await restoreJournal(options)).plan.destinations).toMatchObject([{ exists: false }, { exists: false }])
  expect(await entriesOf(namespace)).toHaveLength(2)
  await raw.assertExchange(exchange, 'fanout', { durable: true })
  expect(await restoreJournal({ ...execute, declare: true })).toMatchObject({ restored: 2 })
  await raw.checkQueue(queue)
})

test('a message that cannot be scheduled gets no record, is told, and holds up no other; an abort leaves the rest', async () => {
  const { namespace, schedule, options } = await journalled()
  const queue = unique('restore')
  const missing = schedule(message('nowhere', unique('missing')), { declare: false, restored: true })
  expect(await failure(missing)).toMatchObject({ code: 'DESTINATION_MISSING' })
  expect(await entriesOf(namespace)).toEqual([])

  for (const n of [1, 2, 3, 4, 5, 6]) await schedule(message(`${n}`, queue, { body: Buffer.alloc(n === 2 ? 2000 : 9) }))
  const failed: string[] = []
  const limited = await restoreJournal({
    ...{ ...options, lostAt: new Date(), execute: true, maxBodyBytes: 1000 },
    onFailed: (id, { code }) => void failed.push(`${id} ${code}`),
  })
  expect(limited).toMatchObject({ restored: 5, failed: 1, left: 0 })
  expect(limited.failure).toBeUndefined()
  expect(failed).toEqual(['2 BODY_TOO_LARGE'])

  const stop = new AbortController()
  const lostAt = new Date()
  // Slow enough for the first confirm on a busy machine. The abort ends the pause.
  const aborted = await restoreJournal({
    ...{ ...options, lostAt, execute: true, ratePerSecond: 1, signal: stop.signal },
    onProgress: () => stop.abort(),
  })
  expect(aborted).toMatchObject({ failed: 0, restored: expect.toSatisfy((n: number) => n > 0 && n < 6) as number })
  const rest = await restoreJournal({ ...options, lostAt, execute: true })
  expect(rest).toMatchObject({ restored: aborted.left, failed: 0, left: 0 })
})

test('a journal that is gone half-way ends it, and the rest is left', async () => {
  const { namespace, schedule, options } = await journalled()
  const queue = unique('restore')
  await schedule(message('a', queue))
  await schedule(message('b', queue, { dueAt: Date.now() + 100 * 24 * HOUR }))
  const raw = await rawChannel(vhost.url)
  const gone = `${journalLayout(new Names(namespace)).exchange}.1y`
  const ended = await restoreJournal({
    ...{ ...options, namespace: unique('ns'), from: { namespace }, lostAt: new Date(), execute: true },
    onPlan: async () => {
      await raw.deleteQueue(gone)
    },
  })
  expect(ended).toMatchObject({ restored: 1, failed: 0, left: 1, failure: { code: 'JOURNAL_UNREAD' } })
})

test.skipIf(managementUrl() === undefined)(
  'a user that may only read the streams is enough for the source (skipped without a management API)',
  async () => {
    const { namespace, schedule, options } = await journalled(true, unique('reader'))
    await schedule(message('a', unique('restore')))
    const read = String.raw`^${namespace}\.v1\.(journal|cancellations)\..+$`
    const url = await userWith(vhost, { configure: '^$', write: '^$', read })
    const target = { ...options, namespace: unique('ns') }
    const from = { url, namespace }
    expect(await restoreJournal({ ...target, from, lostAt: new Date(), execute: true })).toMatchObject({ restored: 1 })
  },
)

test('a journal without bodies cannot be restored, and says of how many messages', async () => {
  const { schedule, options } = await journalled({ bodies: false })
  await schedule(message('a', unique('restore')))
  const { plan } = await restoreJournal({ ...options, lostAt: new Date(), execute: true })
  expect(plan).toMatchObject({ messages: 0, skipped: { withoutBody: 1 } })
})

test('a source that lacks a stream is refused, and nothing is declared there', async () => {
  const { namespace, options } = await journalled()
  const raw = await rawChannel(vhost.url)
  const [stream] = cancellationLayout(new Names(namespace)).streams().slice(-1)
  await raw.deleteQueue(stream!.name)
  const error = await failure(restoreJournal(options))
  expect(error).toMatchObject({ code: 'TOPOLOGY_MISSING', data: { resource: stream!.name } })
  const none = await failure(restoreJournal({ ...options, from: { namespace: unique('none') } }))
  expect(none).toMatchObject({ code: 'TOPOLOGY_MISSING' })
})

test.each([
  [{ lostAt: new Date(Date.now() + HOUR) }, 'lostAt'],
  [{ execute: true }, 'lostAt'],
  [{ lostAt: 'yesterday' as unknown as Date }, 'lostAt'],
  [{ strategy: ladder() }, 'strategy'],
  [{ declare: true, topology: 'trust' as const }, 'declare'],
  [{ from: { strategy: ladder() } }, 'from.strategy'],
  [{ ratePerSecond: 0 }, 'ratePerSecond'],
])('wrong options are refused before anything is asked: %o', async (options, option) => {
  const error = await failure(restoreJournal({ url: 'amqp://localhost:1', ...(options as object) }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})
