import { beforeAll, expect, test } from 'vitest'
import type { Logger } from '../../../src/base/logger.js'
import { connect, ladder } from '../../../src/index.js'
import { encodeEntry, encodeRefusal } from '../../../src/journal/journal-record.js'
import type { JournalView } from '../../../src/journal/view/journal-view.js'
import { readyAt, type DelayedMessage } from '../../../src/message/delayed-message.js'
import { note, unique } from '../../strategies/recorder.js'
import { useVhost } from '../../support/broker.js'
import { askJournal, delayed, journalView, journalWriter } from '../../support/journal.js'
import { failure, open } from '../../support/mq.js'

const vhost = useVhost()
const namespace = unique('view')
const MINUTE = 60_000

const journalled = () => open(vhost.url, { namespace, strategy: ladder({ journal: true }) })
const asked = <T>(work: (journal: JournalView) => Promise<T>) => askJournal(vhost.url, namespace, work)

/** Schedules messages as they are, as consumers do with retries. */
async function scheduled(...messages: DelayedMessage[]) {
  const strategy = ladder({ journal: true })
  const mq = await open(vhost.url, { namespace, strategy })
  await Promise.all(messages.map((message) => strategy.schedule(message, { declare: true })))
  return mq
}

// The streams, which every test reads.
beforeAll(async () => {
  const mq = await connect({ url: vhost.url, namespace, strategy: ladder({ journal: true }) })
  await mq.schedule(note, { n: 0 }, { to: { queue: unique('warm') }, in: '5m', declare: true })
  await mq.close()
})

test('shows a message that was scheduled, byte for byte', async () => {
  const id = unique('whole')
  const message = delayed({
    id,
    body: Buffer.from([0, 255, 10, 13, 192]),
    destination: { queue: unique('q') },
    version: 3,
    retryAt: Date.now() + 20 * MINUTE,
    attempt: 2,
    expiresAt: Date.now() + 40 * MINUTE,
    priority: 3,
    correlationId: 'c',
    dedupeKey: 'd',
    headers: { text: 'ä→😀', number: 1.5, flag: false },
  })
  const foreign = delayed({
    id: unique('foreign'),
    body: Buffer.alloc(0),
    destination: message.destination,
    headers: { deep: [{ bytes: Buffer.from([1, 250]), list: [1, [null]] }], 'dueque:bytes': 'x' } as never,
    properties: { appId: 'other' },
  })
  await scheduled(message, foreign)
  const [found, list] = await asked(async (journal) => [
    await journal.find(id),
    await journal.list({ destination: message.destination }, { limit: 10 }),
  ])
  expect(found).toEqual([message])
  expect(list).toEqual([foreign, message])
})

test('shows bodies of 3 MiB, as text and as bytes', async () => {
  const [text, bytes] = [Buffer.alloc(3 * 2 ** 20, 'ä'), Buffer.alloc(3 * 2 ** 20, 255)]
  const destination = { queue: unique('large') }
  const messages = [text, bytes].map((body, n) => delayed({ id: unique(`large-${n}`), body, destination }))
  await scheduled(...messages)
  const list = await asked((journal) => journal.list({ destination }, { limit: 10 }))
  expect(list.map(({ body }) => Buffer.compare(body!, text) === 0 || Buffer.compare(body!, bytes) === 0)).toEqual([
    true,
    true,
  ])
})

test('tells waiting messages from cancelled, rescheduled, refused and due ones', async () => {
  const mq = await journalled()
  const to = { queue: unique('states') }
  const schedule = (n: number) => mq.schedule(note, { n }, { to, in: '10m', declare: true })
  const [waiting, cancelled, moved] = await Promise.all([schedule(1), schedule(2), schedule(3)])
  await mq.schedule(note, { n: 5 }, { to, in: 0 })
  await mq.cancel(cancelled)
  const anew = (await mq.reschedule(moved, { in: '20m' }))!
  expect(anew).toMatchObject({ id: moved.id, replaced: 'cancelled' })
  const { write } = await journalWriter(vhost.url, namespace)
  const refused = delayed({ id: unique('refused'), destination: to })
  await write('1h', [encodeEntry(refused, 7, true)])
  await write('8h', [encodeRefusal({ id: refused.id, refused: 7, readyAt: readyAt(refused) })])
  const { messages } = await mq.list({ destination: to })
  expect(messages.map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 3 }])
  expect(messages.map(({ receipt }) => receipt.revision)).toEqual([waiting.revision, anew.revision])
  expect(messages[0]!.receipt).toEqual(waiting)
  expect(await mq.count({ destination: to })).toBe(2)
  expect(await mq.get(cancelled)).toBeUndefined()
  expect(await mq.reschedule(cancelled, { in: '1h' })).toBeUndefined()
})

test('of several entries of one message, the one that was written last and not refused counts, with its time', async () => {
  const { write } = await journalWriter(vhost.url, namespace)
  const now = Date.now()
  const first = delayed({ id: unique('again'), dueAt: now + 10 * MINUTE })
  const later = { ...first, dueAt: now + 30 * MINUTE }
  const counts = (journal: JournalView) => {
    const due = (fromMs: number) => ({ idPrefix: first.id, from: now + fromMs, to: now + fromMs + 2 * MINUTE })
    return Promise.all([9, 29].map((minutes) => journal.count(due(minutes * MINUTE))))
  }
  await write('1h', [encodeEntry(later, 2, true), encodeEntry(first, 1, true)])
  const replay = await journalView(vhost.url, namespace, { maxEntries: 0 })
  expect([await counts(replay), await asked(counts)]).toEqual([
    [0, 1],
    [0, 1],
  ])
  await write('1h', [encodeRefusal({ id: first.id, refused: 2, readyAt: later.dueAt })])
  expect([await counts(replay), await asked(counts)]).toEqual([
    [1, 0],
    [1, 0],
  ])
})

test('several revisions under one id are messages of their own, the latest first', async () => {
  const mq = await journalled()
  const id = unique('revisions')
  const to = { queue: unique('q') }
  for (const n of [1, 2, 3]) await mq.schedule(note, { n }, { to, id, in: `${30 - n}m`, declare: true })
  expect((await mq.get(id))?.payload).toEqual({ n: 3 })
  // Together, by one replay.
  const [found, missing, count] = await Promise.all([mq.get(id), mq.get(unique('none')), mq.count({ idPrefix: id })])
  expect([found?.payload, missing, count]).toEqual([{ n: 3 }, undefined, 3])
  expect((await mq.list({ destination: to })).messages.map(({ payload }) => payload)).toEqual([
    { n: 3 },
    { n: 2 },
    { n: 1 },
  ])
  expect(await mq.count({ idPrefix: id })).toBe(3)
})

test('selects by name, id prefix, headers and time, and counts by minute', async () => {
  const mq = await journalled()
  const to = { exchange: 'amq.topic', routingKey: unique('key') }
  const from = Math.ceil(Date.now() / MINUTE) * MINUTE + 10 * MINUTE
  const ids = ['a-1', 'a-2', 'b-1'].map((name) => `${unique('filter')}-${name}`)
  for (const [n, id] of ids.entries())
    await mq.schedule(
      note,
      { n },
      { to, id, at: new Date(from + n * 30_000), headers: { tenant: n === 1 ? 'x' : 'y' } },
    )
  const numbers = async (filter: object) =>
    (await mq.list({ destination: to, ...filter })).messages.map(({ payload }) => (payload as { n: number }).n)
  expect(await numbers({})).toEqual([0, 1, 2])
  expect(await numbers({ name: 'other' })).toEqual([])
  expect(await numbers({ idPrefix: ids[0]!.slice(0, -1) })).toEqual([0])
  expect(await numbers({ headers: { tenant: 'y' } })).toEqual([0, 2])
  expect(await numbers({ due: { from: new Date(from + 1), to: new Date(from + MINUTE) } })).toEqual([1])
  expect(await mq.count({ destination: to, headers: { tenant: 'x' } })).toBe(1)
  expect(await mq.countBy('minute', { destination: { exchange: 'amq.topic' }, idPrefix: 'filter-' })).toEqual([
    { from: new Date(from), count: 2 },
    { from: new Date(from + MINUTE), count: 1 },
  ])
})

test('a cursor leads through all messages while others come and go', async () => {
  const mq = await journalled()
  const to = { queue: unique('pages') }
  const at = new Date(Date.now() + 15 * MINUTE)
  const receipts = await Promise.all(
    Array.from({ length: 7 }, (_, n) => mq.schedule(note, { n }, { to, at, declare: true })),
  )
  const first = await mq.list({ destination: to, limit: 3 })
  await mq.cancel(first.messages[1]!.receipt)
  await mq.schedule(note, { n: 100 }, { to, in: '1m' })
  const second = await mq.list({ destination: to, limit: 3, cursor: first.cursor! })
  const third = await mq.list({ destination: to, limit: 3, cursor: second.cursor! })
  const ids = [first, second, third].flatMap(({ messages }) => messages.map(({ id }) => id))
  expect(ids.toSorted()).toEqual(receipts.map(({ id }) => id).toSorted())
  expect(third.cursor).toBeUndefined()
})

test('unreadable records are skipped, and said once', async () => {
  const warnings: string[] = []
  const none = () => undefined
  const logger: Logger = { debug: none, info: none, warn: (text) => void warnings.push(text), error: none }
  const { write } = await journalWriter(vhost.url, namespace)
  const good = delayed({ id: unique('good') })
  const line = encodeEntry(good, 5, true)
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(10_000)).map((byte) => (byte === 10 ? 0 : byte)))
  await write('1h', random)
  await write('1h', [
    'null',
    '[]',
    '{"format":2}',
    line.replace('"attempt":1', '"attempt":-1'),
    '',
    line,
    '{"format":1',
  ])
  await write('1h', [encodeEntry(delayed({ id: 'x'.repeat(300) }), 6, true), '{"format":1,"refused":1,"id":7}'])
  const found = await askJournal(vhost.url, namespace, (journal) => journal.find(good.id), { logger })
  expect(found).toEqual([good])
  expect(warnings.filter((text) => text.includes('could not be read'))).toHaveLength(1)
})

test('visits every waiting message once, and counts records as it reads', async () => {
  const to = { queue: unique('visited') }
  const messages = Array.from({ length: 150 }, (_, n) => delayed({ id: unique(`visit-${n}`), destination: to }))
  const mq = await scheduled(...messages)
  await mq.cancel({ id: messages[5]!.id })
  const seen: string[] = []
  const progress: [number, number | undefined][] = []
  await askJournal(
    vhost.url,
    namespace,
    (journal) => journal.forEach({ destination: to }, ({ id }) => void seen.push(id)),
    { onRecords: (read, whole) => void progress.push([read, whole]) },
  )
  expect(seen.toSorted()).toEqual(
    messages
      .map(({ id }) => id)
      .filter((id) => id !== messages[5]!.id)
      .toSorted(),
  )
  const [read, whole] = progress.at(-1)!
  expect(read).toBeGreaterThanOrEqual(150)
  expect(whole ?? read).toBeGreaterThanOrEqual(read)
})

test('shows what waited at an instant', async () => {
  const to = { queue: unique('instant') }
  const { write } = await journalWriter(vhost.url, namespace)
  const at = Date.now() - 30 * MINUTE
  const past = delayed({ id: unique('past'), destination: to, dueAt: at + MINUTE })
  await write('1h', [encodeEntry(past, 1, true)], at - MINUTE)
  const count = (options: { at?: number }) =>
    askJournal(vhost.url, namespace, (journal) => journal.count({ destination: to }), options)
  expect([await count({}), await count({ at })]).toEqual([0, 1])
})

test('without bodies, messages have none, and a reschedule needs the content', async () => {
  const strategy = ladder({ journal: { bodies: false } })
  const mq = await open(vhost.url, { namespace, strategy })
  const receipt = await mq.schedule(note, { n: 1 }, { to: { queue: unique('q') }, in: '10m', declare: true })
  expect(await mq.get(receipt)).toMatchObject({ id: receipt.id, payload: undefined })
  expect(await failure(mq.reschedule(receipt, { in: '1h' }))).toMatchObject({ code: 'INVALID_OPTION' })
})

test('a namespace without a journal is told so, with what to do', async () => {
  const error = (await failure(askJournal(vhost.url, unique('none'), (journal) => journal.count({})))) as Error
  expect(error).toMatchObject({ code: 'TOPOLOGY_MISSING' })
  expect(error.message).toContain('ladder({ journal: true })')
})
