import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import {
  DuequeError,
  isDuequeError,
  ladder,
  on,
  type CancellationRecord,
  type JournalledLadder,
  type JournalOptions,
  type Rescheduled,
} from '../../../src/index.js'
import { note, scheduleNotes, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { failure, open, rawChannel } from '../../support/mq.js'
import { settableClock, type SettableClock } from '../../support/settable-clock.js'

const HOUR = 3_600_000
const vhost = useVhost()

/** A process that keeps a journal. */
function journalled(journal: true | JournalOptions = true, clock?: SettableClock, url = vhost.url) {
  const strategy = ladder({ journal })
  return open<JournalledLadder>(url, { strategy: clock ? Object.assign(strategy, { clock }) : strategy })
}

const once = on(note, () => undefined)

test('each message that is moved again and again is handled once, at its last time, and no cancelled one', async () => {
  const queue = unique('moves')
  const producers = await Promise.all([journalled(), journalled({ index: true })])
  const handled: { id: string; dueAt: string; early: boolean }[] = []
  const consumers = await Promise.all([journalled(), journalled()])
  for (const consumer of consumers) {
    const record = on(note, ({ id, dueAt }) => {
      handled.push({ id, dueAt: dueAt.toISOString(), early: Date.now() < dueAt.getTime() })
    })
    await consumer.consume(queue, [record], { prefetch: 5 })
  }
  const horizons = [HOUR / 2, 2 * HOUR, 20 * HOUR, 5 * 24 * HOUR, 40 * 24 * HOUR, 400 * 24 * HOUR]
  const receipts = await scheduleNotes(producers[0], queue, [...horizons, ...horizons])
  const last = new Map<string, Rescheduled>()
  const move = async (n: number, inMs: number) => {
    const { id } = receipts[n]!
    const moved = (await producers[n % 2]!.reschedule(id, { in: inMs }))!
    expect(moved.replaced).toBe('cancelled')
    last.set(id, moved)
  }
  // Over every horizon, further and nearer, and then to a few seconds from now, to now, and into the past.
  await Promise.all(receipts.map((_, n) => move(n, horizons[(n + 1) % 6]!)))
  const moved = [...last].map(([id, { revision }]) => [id, revision]).toSorted()
  for (const producer of producers) {
    const { messages } = await producer.list({ destination: { queue } })
    expect(messages.map(({ receipt: { id, revision } }) => [id, revision]).toSorted()).toEqual(moved)
  }
  await Promise.all([0, 1, 2].map((n) => producers[0].cancel(last.get(receipts[n]!.id)!)))
  await Promise.all([3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => move(n, n < 6 ? 0 : 1000 * (n - 4))))
  await poll(() => handled.length >= 9, { timeoutMs: 30_000, what: 'nine messages' })
  await poll(async () => (await producers[0].count({ destination: { queue } })) === 0, { what: 'an empty journal' })
  const expected = receipts.slice(3).map(({ id }) => ({ id, dueAt: last.get(id)!.dueAt, early: false }))
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
  expect(handled.toSorted(byId)).toEqual(expected.toSorted(byId))
}, 90_000)

test('a message that came back because clocks differ is seen again by its process, with its due time', async () => {
  const queue = unique('put-back')
  const producer = await journalled()
  const [receipt] = await scheduleNotes(producer, queue, [1500])
  const behind = await journalled(true, settableClock(-HOUR))
  const consumer = await behind.consume(queue, [once])
  await poll(() => consumer.stats().putBack === 1, { timeoutMs: 30_000, what: 'the message to be put back' })
  const { id, revision, dueAt } = receipt!
  const seen = { id, attempt: 1, readyAt: new Date(dueAt), payload: { n: 0 }, headers: {} }
  expect(await behind.get(id)).toMatchObject({ ...seen, receipt: { revision, dueAt } })
  // By the clock of this one it is due.
  expect(await producer.get(id)).toBeUndefined()
  expect(await behind.reschedule(id, { in: 100 })).toMatchObject({ replaced: 'cancelled' })
  await poll(() => consumer.stats().handled === 1, { timeoutMs: 30_000, what: 'the moved message' })
})

test('if the record of a move fails, both messages are shown, and the same call again leaves one', async () => {
  const queue = unique('half')
  let failures = 0
  const strategy = ladder({ journal: true })
  const { cancellations } = strategy
  const write = (record: CancellationRecord) => {
    const lost = new DuequeError('PUBLISH_TIMEOUT', 'lost', { waitedMs: 1 }, { outcome: 'unknown' })
    return failures++ === 0 ? Promise.reject(lost) : cancellations.write(record)
  }
  const mq = await open(vhost.url, { strategy: { ...strategy, cancellations: { ...cancellations, write } } })
  const [receipt] = await scheduleNotes(mq, queue, [HOUR])
  const error = (await failure(mq.reschedule(receipt!, { in: '2h' }))) as DuequeError
  expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'unknown', receipt: { id: receipt!.id } })
  const destination = { queue }
  expect((await mq.list({ destination })).messages.map((one) => one.receipt)).toEqual([receipt, error.receipt])
  const moved = await mq.reschedule(receipt!, { in: '2h' })
  expect(moved!.revision).toBeGreaterThan(error.receipt!.revision)
  const { messages } = await mq.list({ destination })
  expect(messages.map((one) => [one.receipt.revision, one.payload])).toEqual([[moved!.revision, { n: 0 }]])
})

test('processes without a journal write none, and their messages are not seen', async () => {
  const queue = unique('unseen')
  const [seeing, blind] = await Promise.all([journalled(), open(vhost.url)])
  const [receipt] = await scheduleNotes(blind, queue, [HOUR])
  expect([await seeing.get(receipt!), await seeing.reschedule(receipt!, { in: 0 })]).toEqual([undefined, undefined])
  expect(await failure((blind as typeof seeing).reschedule(receipt!, { in: 0 }))).toMatchObject({
    ...{ code: 'INVALID_OPTION', data: { option: 'content' }, outcome: 'refused' },
  })
})

describe('the options of a journal', () => {
  test('minDelayMs leaves short delays out, which can be cancelled all the same', async () => {
    const queue = unique('short')
    const mq = await journalled({ minDelayMs: 60_000 })
    const [short, long] = await scheduleNotes(mq, queue, [59_000, 120_000])
    expect((await mq.list({ destination: { queue } })).messages.map(({ id }) => id)).toEqual([long!.id])
    expect([await mq.get(short!), await mq.cancel(short!)]).toEqual([undefined, 'cancelled'])
  })

  test('bodies: false shows no payload, and then reschedule needs the content', async () => {
    const queue = unique('bodies')
    const mq = await journalled({ bodies: false })
    const [receipt] = await scheduleNotes(mq, queue, [HOUR])
    expect(await mq.get(receipt!)).toMatchObject({ name: note.name, payload: undefined, receipt })
    const refused = await failure(mq.reschedule(receipt!, { in: '2h' }))
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'content' }, outcome: 'refused' })
    const content = { message: note, payload: { n: 7 } }
    expect(await mq.reschedule(receipt!, { in: '2h' }, content)).toMatchObject({ replaced: 'cancelled' })
    expect(await mq.count({ destination: { queue } })).toBe(1)
    // Another process keeps them.
    expect((await (await journalled()).get(receipt!.id))!.payload).toBeUndefined()
  })
})

test('a message whose queue is gone stays as it is when it is rescheduled', async () => {
  const queue = unique('gone')
  const mq = await journalled()
  const [receipt] = await scheduleNotes(mq, queue, [HOUR])
  await (await rawChannel(vhost.url)).deleteQueue(queue)
  const other = await journalled()
  expect(await failure(other.reschedule(receipt!, { in: '2h' }))).toMatchObject({
    ...{ code: 'DESTINATION_MISSING', outcome: 'refused' },
  })
  expect((await other.get(receipt!))?.receipt).toEqual(receipt)
  expect(await other.count({ destination: { queue } })).toBe(1)
})

test('many schedules may share a signal', async () => {
  const mq = await journalled()
  const warnings: Error[] = []
  const warned = (warning: Error) => void warnings.push(warning)
  process.on('warning', warned)
  onTestFinished(() => void process.off('warning', warned))
  const { signal } = new AbortController()
  const to = { queue: unique('signal') }
  const schedule = (n: number) => mq.schedule(note, { n }, { to, in: '1h', declare: true, signal })
  await Promise.all(Array.from({ length: 50 }, (_, n) => schedule(n)))
  expect(await mq.count({ destination: to })).toBe(50)
  expect(warnings).toEqual([])
})

test('a look at the journal disturbs no health, and a close ends it', async () => {
  const queue = unique('close')
  const mq = await journalled()
  const [receipt] = await scheduleNotes(mq, queue, [HOUR])
  const looks = [mq.get(receipt!), mq.list(), mq.count(), mq.countBy('day')] as Promise<unknown>[]
  expect(mq.health()).toMatchObject({ ok: true, producer: 'up' })
  const outcomes = Promise.allSettled(looks)
  const from = performance.now()
  await mq.close({ drainTimeoutMs: 5000 })
  expect(performance.now() - from).toBeLessThan(5000)
  for (const one of await outcomes)
    expect(one.status === 'fulfilled' || isDuequeError(one.reason as unknown, 'CLOSED')).toBe(true)
  expect(await failure(mq.get(receipt!))).toMatchObject({ code: 'CLOSED' })
})

test.each([false, true])('a close ends looks at a journal that does not answer (index: %s)', async (index) => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const mq = await journalled({ index }, undefined, proxy.url())
  const [receipt] = await scheduleNotes(mq, unique('silent'), [HOUR])
  expect(await mq.get(receipt!)).toMatchObject({ payload: { n: 0 } })
  proxy.freeze()
  const looks = [mq.get(receipt!), mq.count({ headers: { none: 1 } })].map((look) => failure(look))
  await mq.close({ drainTimeoutMs: 200 })
  // At once, and not when the broker is given up.
  const from = performance.now()
  expect(await Promise.all(looks)).toMatchObject([{ code: 'CLOSED' }, { code: 'CLOSED' }])
  expect(performance.now() - from).toBeLessThan(3000)
})
