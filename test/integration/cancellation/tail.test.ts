import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import type { Logger } from '../../../src/base/logger.js'
import { connect, ladder, on, type ConnectOptions, type LadderStrategy } from '../../../src/index.js'
import { note, Recorder, scheduleNotes, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { cancellationWriter } from '../../support/cancellations.js'
import { failure, open as openAt } from '../../support/mq.js'
import { settableClock } from '../../support/settable-clock.js'

const vhost = useVhost()
const HOUR = 3_600_000

const open = (options: ConnectOptions<LadderStrategy> = {}) => openAt(vhost.url, options)

// The confirms of a rung that is new are held for 2 s: docs/decisions/010-confirms-of-young-queues-are-held.md.
beforeAll(async () => {
  const mq = await connect({ url: vhost.url })
  await scheduleNotes(mq, unique('warm'), [4000, 5000])
  await mq.close()
})

/** Messages 0, 1, 2 … of one queue, of which some are cancelled. */
async function scheduled(count: number, options: { in: number; queue?: string } & ConnectOptions<LadderStrategy>) {
  const { in: inMs, queue = unique('cancelled'), ...rest } = options
  const producer = await open(rest)
  const schedule = (n: number) => producer.schedule(note, { n }, { to: { queue }, in: inMs, declare: true })
  const receipts = await Promise.all(Array.from({ length: count }, (_, n) => schedule(n)))
  return { producer, queue, receipts }
}

test('a consumer that starts reads every cancellation before it takes a message', async () => {
  const { producer, queue, receipts } = await scheduled(6, { in: 5000 })
  for (const n of [1, 3, 5]) expect(await producer.cancel(receipts[n]!)).toBe('cancelled')
  await poll(() => Date.now() > Date.parse(receipts[0]!.dueAt), { what: 'the due time' })
  const consumer = await open()
  const recorders = await Promise.all([Recorder.on(consumer, queue), Recorder.on(consumer, unique('beside'))])
  await recorders[0].has(3)
  expect(recorders[0].numbers.toSorted()).toEqual([0, 2, 4])
})

test('a consumer that does not read cancellations handles cancelled messages, beside one that drops them', async () => {
  const consumer = await open()
  const off = unique('off')
  const handled = await Recorder.on(consumer, off, { cancellations: 'off' })
  const { producer, queue, receipts } = await scheduled(1, { in: 5000 })
  const receipt = await producer.schedule(note, { n: 1 }, { to: { queue: off }, in: 4000 })
  expect([await producer.cancel(receipt), await producer.cancel(receipts[0]!)]).toEqual(['cancelled', 'cancelled'])
  const dropping = await consumer.consume(queue, [on(note, () => undefined)])
  await handled.has(1)
  await poll(() => dropping.stats().cancelled === 1, { what: 'the dropped message' })
  expect(dropping.stats().handled).toBe(0)
})

test('without a consumer that reads cancellations, nothing is read', async () => {
  const consumer = await open()
  await Recorder.on(consumer, unique('off'), { cancellations: 'off' })
  expect(consumer.health()).not.toHaveProperty('cancellations')
})

test('after a reconnect nothing is handled before the cancellations of the meantime are read', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const consumer = await openAt(proxy.url())
  const queue = unique('reconnect')
  const recorder = await Recorder.on(consumer, queue)
  const { producer, receipts } = await scheduled(8, { in: 4000, queue })
  proxy.refuse()
  proxy.cut()
  await poll(() => consumer.health().cancellations?.state === 'reading', { what: 'the tail to be lost' })
  const answers = await Promise.all([0, 2, 4, 6].map((n) => producer.cancel(receipts[n]!)))
  expect(new Set(answers)).toEqual(new Set(['cancelled']))
  await poll(() => Date.now() > Date.parse(receipts[0]!.dueAt), { what: 'the due time' })
  expect(recorder.numbers).toEqual([])
  await proxy.listen()
  await recorder.has(4)
  expect(recorder.numbers.toSorted()).toEqual([1, 3, 5, 7])
})

test('messages that are held through a reconnect are dropped if they were cancelled meanwhile', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { producer, queue, receipts } = await scheduled(2, { in: 5000, strategy: ladder({ lead: 3000 }) })
  const consumer = await openAt(proxy.url())
  const handled: number[] = []
  const running = await consumer.consume(queue, [on(note, ({ payload }) => void handled.push(payload.n))])
  await poll(() => running.stats().held === 2, { what: 'two held messages' })
  proxy.refuse()
  proxy.cut()
  expect(await producer.cancel(receipts[0]!)).toBe('cancelled')
  await proxy.listen()
  await poll(() => running.stats().cancelled === 1 && handled.length === 1, { what: 'both to be settled' })
  expect(handled).toEqual([1])
})

test('messages that are held while the network is silent are dropped if they were cancelled meanwhile', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const { producer, queue, receipts } = await scheduled(2, { in: 5000, strategy: ladder({ lead: 3000 }) })
  const consumer = await openAt(proxy.url(), { heartbeatSeconds: 60 })
  const handled: number[] = []
  const running = await consumer.consume(queue, [on(note, ({ payload }) => void handled.push(payload.n))])
  await poll(() => running.stats().held === 2, { what: 'two held messages' })
  proxy.freeze()
  expect(await producer.cancel(receipts[0]!)).toBe('cancelled')
  await poll(() => Date.now() > Date.parse(receipts[1]!.dueAt) + 300, { what: 'the due time' })
  expect(handled).toEqual([])
  proxy.thaw()
  await poll(() => running.stats().cancelled === 1 && handled.length === 1, { what: 'both to be settled' })
  expect(handled).toEqual([1])
  expect(consumer.health().cancellations?.state).toBe('live')
})

test('records of a stream that is deleted and declared anew are honoured', async () => {
  const { producer, queue, receipts } = await scheduled(2, { in: 4000 })
  const consumer = await open()
  const recorder = await Recorder.on(consumer, queue)
  const { channel, stream } = await cancellationWriter(vhost.url)
  await channel.deleteQueue(stream('1h'))
  // The producer learns that it is gone, and so does the consumer. Whoever is first declares it.
  expect(await producer.cancel(receipts[1]!)).toBe('cancelled')
  await recorder.has(1)
  await poll(() => Date.now() > Date.parse(receipts[1]!.dueAt) + 200, { what: 'the due time' })
  expect(recorder.numbers).toEqual([0])
})

test('unreadable records are skipped, counted and logged, and the others are honoured', async () => {
  const { queue, receipts } = await scheduled(2, { in: 8000 })
  const warnings: string[] = []
  const none = () => undefined
  const logger: Logger = { debug: none, info: none, warn: (text) => void warnings.push(text), error: none }
  const consumer = await open({ logger })
  const disconnected: unknown[] = []
  consumer.on('disconnected', (error) => void disconnected.push(error))
  const recorder = await Recorder.on(consumer, queue)
  const { records } = consumer.health().cancellations!
  const { write } = await cancellationWriter(vhost.url)
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(10_000)).map((byte) => (byte === 10 ? 0 : byte)))
  const { id, revision, dueAt } = receipts[0]!
  await write('1h', random)
  await write('1h', Buffer.from(`{"id":\n\n[]\n{"id":"a","since":1}\n{"id":"a","upTo":-1}\n{"id":7,"upTo":1}\nnull`))
  await write('1h', [
    { id: 'a', upTo: 1, keep: 1 },
    { id, revision, due: Date.parse(dueAt) },
  ])
  await recorder.has(1)
  await poll(() => Date.now() > Date.parse(dueAt) + 200, { what: 'the due time' })
  expect(recorder.numbers).toEqual([1])
  expect(consumer.health()).toMatchObject({
    ok: true,
    cancellations: { state: 'live', records: records + 1, unreadable: 8 },
  })
  expect(warnings.filter((text) => text.includes('cancellation'))).toHaveLength(1)
  expect(disconnected).toEqual([])
})

test('after an outage of hours a consumer honours the records of messages that were due in the meantime', async () => {
  const { queue, receipts } = await scheduled(3, { in: 0 })
  await poll(() => Date.now() > Date.parse(receipts[0]!.dueAt), { what: 'the due time' })
  const warm = await open()
  await Recorder.on(warm, unique('declares'))
  const { write } = await cancellationWriter(vhost.url)
  const { id, revision } = receipts[1]!
  const now = Date.now()
  await write('8h', [{ id, revision, due: now - 3 * HOUR }], now - 6 * HOUR)
  const consumer = await open({ cancellations: { graceMs: 4 * HOUR } })
  const recorder = await Recorder.on(consumer, queue)
  await recorder.has(2)
  expect(recorder.numbers.toSorted()).toEqual([0, 2])
})

test.for([450, -450])('a producer whose clock is %d ms ahead of the canceller sees its message dropped', async (ms) => {
  const clock = settableClock(ms)
  const queue = unique('skewed')
  const [producer, canceller, consumer] = await Promise.all([
    open({ strategy: Object.assign(ladder(), { clock }) }),
    open(),
    open(),
  ])
  const recorder = await Recorder.on(consumer, queue)
  const schedule = (n: number) => producer.schedule(note, { n }, { to: { queue }, in: 4000 })
  const [first, second] = [await schedule(1), await schedule(2)]
  await poll(() => Date.now() > Date.parse(first.dueAt) - 1100, { what: 'a moment before the margin', intervalMs: 1 })
  const answer = await canceller.cancel(first)
  expect(await canceller.cancel({ id: second.id, dueAt: '2001-01-01T00:00:00Z' })).toBe('too-late')
  await poll(() => Date.now() > Date.parse(first.dueAt) + 1000, { what: 'the due time' })
  // A slow machine may have missed the moment.
  if (answer === 'cancelled') expect(recorder.numbers).not.toContain(1)
})

test('a consumer that is closed while its tail starts fails with CLOSED, and takes no message', async () => {
  const consumer = await open()
  const starting = failure(Recorder.on(consumer, unique('closed')))
  await consumer.close()
  expect(await starting).toMatchObject({ code: 'CLOSED' })
})
