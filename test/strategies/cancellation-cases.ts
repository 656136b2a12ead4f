import { expect } from 'vitest'
import {
  isDuequeError,
  on,
  type CancelMethods,
  type CancelTarget,
  type Consumer,
  type Dueque,
  type Receipt,
  type Strategy,
} from '../../src/index.js'
import { poll } from '../support/broker.js'
import type { Case } from './conformance.js'
import { note, scheduleNotes, unique, type Note } from './recorder.js'
import type { World } from './world.js'

type Cancelling = Dueque<Strategy> & CancelMethods

/** Far enough for a busy machine to cancel a message before its margin begins. */
const SOON_MS = 12_000

/** The connection of a strategy with a log of cancellations, with its type. */
function open(mq: Dueque): Cancelling {
  return mq as Cancelling
}

/** Consumes a queue, and notes each call of the handler. */
async function handling(
  mq: Dueque,
  queue: string,
  handle: (delivery: Note) => unknown = () => undefined,
  retry = { attempts: 1, backoff: 100 },
): Promise<{ calls: { n: number; at: number; delivery: Note }[]; consumer: Consumer }> {
  const calls: { n: number; at: number; delivery: Note }[] = []
  const handler = on(note, (delivery) => {
    calls.push({ n: delivery.payload.n, at: Date.now(), delivery })
    return handle(delivery)
  })
  return { calls, consumer: await mq.consume(queue, [handler], { retry }) }
}

/** Until the consumer is through with so many messages. */
async function settled(consumer: Consumer, count: number): Promise<void> {
  const done = () => consumer.stats().handled + consumer.stats().cancelled + consumer.stats().dead
  await poll(() => done() >= count, { timeoutMs: 30_000, what: `${count} settled messages` })
}

function content(n: number, to?: { queue: string }, more: Record<string, unknown> = {}) {
  return { message: note, payload: { n }, options: { ...(to && { to }), ...more } }
}

const delays = (count: number) => Array.from({ length: count }, (_, n) => SOON_MS + n * 50)

/** Names, and a queue that is there. Rungs are there too, so that a schedule is confirmed long before it is due. */
async function prepared(world: World, mq: Dueque, name: string): Promise<{ queue: string; id: string }> {
  const names = { queue: unique(name), id: unique('id') }
  await world.declareQueue(names.queue)
  await scheduleNotes(mq, unique('first'), [SOON_MS])
  return names
}

/** The cases that every strategy with a log of cancellations must pass. */
export const CANCELLATION_CASES: Record<string, Case> = {
  'a message that is cancelled by receipt, by id and due time, or by id alone is dropped': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'cancel')
    const receipts = await scheduleNotes(mq, queue, delays(5))
    const { calls, consumer } = await handling(mq, queue)
    const canceller = open(await world.connect())
    const copy = JSON.parse(JSON.stringify(receipts[1])) as Receipt
    expect(await canceller.cancel(copy)).toBe('cancelled')
    expect(await canceller.cancel({ id: receipts[2]!.id, dueAt: new Date(receipts[2]!.dueAt) })).toBe('cancelled')
    expect(await canceller.cancel(receipts[3]!.id)).toBe('unknown')
    expect(await canceller.cancel(unique('never'))).toBe('unknown')
    await settled(consumer, 5)
    expect(calls.map(({ n }) => n).toSorted()).toEqual([0, 4])
    expect(consumer.stats()).toMatchObject({ handled: 2, cancelled: 3 })
  },

  'a receipt tells until when it can be cancelled for sure': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'until')
    const [far] = await scheduleNotes(mq, queue, [3_600_000])
    expect(Date.parse(far!.dueAt) - Date.parse(far!.cancellableUntil!)).toBe(1000)
    const [near] = await scheduleNotes(mq, queue, [900])
    expect(await mq.cancel(near!)).toBe('too-late')
    expect(await mq.cancel(far!)).toBe('cancelled')
    const repeated = await mq.schedule(note, { n: 0 }, { to: { queue }, repeat: { ...far!, cancellableUntil: 'soon' } })
    expect(repeated).toEqual(far)
  },

  'a cancelled retry is not handled again': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'retry')
    const fails = () => Promise.reject(new Error('not yet'))
    const { calls, consumer } = await handling(mq, queue, fails, { attempts: 2, backoff: 5000 })
    const receipt = await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
    await poll(() => consumer.stats().retried === 1, { timeoutMs: 30_000, what: 'a retry' })
    expect(await mq.cancel(receipt)).toBe('too-late')
    await settled(consumer, 1)
    expect([calls.length, consumer.stats().cancelled]).toEqual([1, 1])
  },

  'a cancelled id can be scheduled again at once, and an old receipt does not affect it': async (world, plain) => {
    const mq = open(plain)
    const { queue, id } = await prepared(world, mq, 'again')
    const { calls, consumer } = await handling(mq, queue)
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: SOON_MS, id })
    const first = await schedule(1)
    expect(await mq.cancel(id)).toBe('unknown')
    const second = await schedule(2)
    // The cancellation is not older than the schedule, but its revision is.
    const [, third] = await Promise.all([mq.cancel(id), schedule(3)])
    expect([await mq.cancel(first), await mq.cancel(second)]).toEqual(['cancelled', 'cancelled'])
    expect(await mq.schedule(note, { n: 3 }, { to: { queue }, repeat: third })).toEqual(third)
    const reserved = { to: { queue: 'dueque.v1.parked' }, in: SOON_MS, id }
    const refused = await mq.schedule(note, { n: 4 }, reserved).catch((error: unknown) => error)
    expect(isDuequeError(refused, 'RESERVED_NAME')).toBe(true)
    await settled(consumer, 3)
    expect(calls.map(({ n }) => n)).toEqual([3])
  },

  'of two schedules under one id, a receipt cancels its own': async (world, plain) => {
    const mq = open(plain)
    const { queue, id } = await prepared(world, mq, 'own')
    const { calls, consumer } = await handling(mq, queue)
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: SOON_MS, id })
    await schedule(1)
    expect(await mq.cancel(await schedule(2))).toBe('cancelled')
    await settled(consumer, 2)
    expect(calls.map(({ n }) => n)).toEqual([1])
  },

  'a message is cancelled in the second of its waits': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'between')
    const { calls, consumer } = await handling(mq, queue)
    // On the ladder it waits 990 ms and then 3 s. The first one is there for the rungs.
    await scheduleNotes(mq, queue, [3990])
    const receipt = await mq.schedule(note, { n: 1 }, { to: { queue }, in: 3990 })
    const second = Date.parse(receipt.dueAt) - 2500
    await poll(() => Date.now() >= second, { timeoutMs: 30_000, intervalMs: 10, what: 'the second rung' })
    expect(await mq.cancel(receipt)).toBe('cancelled')
    await settled(consumer, 2)
    expect(calls.map(({ n }) => n)).toEqual([0])
  },

  'a rescheduled message arrives once, with its new content, nearer, further, at once and over a horizon': async (
    world,
    plain,
  ) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'reschedule')
    const { calls, consumer } = await handling(mq, queue)
    const receipts = await scheduleNotes(mq, queue, [SOON_MS, SOON_MS, SOON_MS, SOON_MS, 9 * 3_600_000])
    const dues = [{ in: SOON_MS + 1000 }, { in: SOON_MS - 1000 }, { in: 0 }, { at: new Date(0) }, { in: SOON_MS }]
    const move = (i: number) => mq.reschedule(receipts[i]!, dues[i]!, content(10 + i))
    const moved = await Promise.all(dues.map((_, i) => move(i)))
    for (const [i, { replaced, id, revision, destination }] of moved.map((one) => one!).entries()) {
      expect([replaced, id, destination]).toEqual(['cancelled', receipts[i]!.id, { queue }])
      expect(revision).toBeGreaterThan(receipts[i]!.revision)
    }
    await settled(consumer, 9)
    expect(calls.map(({ n }) => n).toSorted()).toEqual([10, 11, 12, 13, 14])
    expect(consumer.stats()).toMatchObject({ handled: 5, cancelled: 4 })
    for (const { n, at, delivery } of calls) {
      expect(delivery.dueAt.toISOString()).toBe(moved[n - 10]!.dueAt)
      expect(at).toBeGreaterThanOrEqual(delivery.dueAt.getTime())
    }
  },

  'by id a message is rescheduled to a destination that the content has': async (world, plain) => {
    const mq = open(plain)
    const { queue, id } = await prepared(world, mq, 'by-id')
    const { queue: other } = await prepared(world, mq, 'by-id-other')
    const [here, there] = [await handling(mq, queue), await handling(mq, other)]
    const { dueAt } = await mq.schedule(note, { n: 1 }, { to: { queue }, in: SOON_MS, id })
    const moved = await mq.reschedule({ id, dueAt }, { in: 500 }, content(2, { queue: other }))
    expect(moved).toMatchObject({ replaced: 'cancelled', destination: { queue: other } })
    expect(await mq.reschedule(id, { in: 100 }, content(3, { queue: other }))).toMatchObject({ replaced: 'unknown' })
    const refused = await mq.reschedule(id, { in: 100 }, content(4)).catch((error: unknown) => error)
    expect(isDuequeError(refused, 'INVALID_OPTION') && refused.data.option).toBe('content.options.to')
    await settled(here.consumer, 1)
    await poll(() => there.calls.some(({ n }) => n === 3), { timeoutMs: 30_000, what: 'the last copy' })
    expect(here.calls).toEqual([])
  },

  'of many reschedules at once, the one with the greatest revision is delivered': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'race')
    const { calls, consumer } = await handling(mq, queue)
    const [receipt] = await scheduleNotes(mq, queue, [SOON_MS])
    const others = [mq, open(await world.connect()), open(await world.connect())]
    const move = (other: Cancelling, n: number) => other.reschedule(receipt!, { in: SOON_MS + 500 * n }, content(n + 1))
    const moved = await Promise.all(others.map(move))
    const revisions = moved.map((one) => one!.revision)
    await settled(consumer, 4)
    expect(calls.map(({ n }) => n)).toEqual([revisions.indexOf(Math.max(...revisions)) + 1])
  },

  'the old and the new message may share a dedupe key': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'dedupe')
    const { calls, consumer } = await handling(mq, queue)
    const dedupeKey = unique('key')
    const old = await mq.schedule(note, { n: 1 }, { to: { queue }, in: SOON_MS, dedupeKey })
    await mq.reschedule(old, { in: SOON_MS + 500 }, content(2, undefined, { dedupeKey }))
    await settled(consumer, 2)
    expect([calls.map(({ n }) => n), consumer.stats().cancelled]).toEqual([[2], 1])
  },

  'a schedule that fails leaves the old one as it is': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'fails')
    const { calls, consumer } = await handling(mq, queue)
    const [receipt] = await scheduleNotes(mq, queue, [2500])
    const failures: [unknown, string][] = [
      [content(2, { queue: 'dueque.v1.parked' }), 'RESERVED_NAME'],
      [{ message: note, payload: { n: 'two' } }, 'INVALID_PAYLOAD'],
      [content(2, undefined, { in: 5 }), 'INVALID_OPTION'],
      [{ ...content(2), option: {} }, 'INVALID_OPTION'],
      ...(mq.strategy.journal ? [] : ([[undefined, 'INVALID_OPTION']] as [unknown, string][])),
    ]
    for (const [given, code] of failures)
      expect(await mq.reschedule(receipt!, { in: 100 }, given as never).catch((e: unknown) => e)).toMatchObject({
        code,
        outcome: 'refused',
      })
    await settled(consumer, 1)
    expect(calls.map(({ n }) => n)).toEqual([0])
  },

  'cancelAll cancels many, by receipts and ids, and tells each answer': async (world, plain) => {
    const mq = open(plain)
    const { queue } = await prepared(world, mq, 'all')
    const receipts = await scheduleNotes(mq, queue, Array<number>(60).fill(SOON_MS + 500))
    const { calls, consumer } = await handling(mq, queue)
    const kept = receipts.pop()!
    const targets: CancelTarget[] = [...receipts.slice(2), receipts[0]!.id, { id: '' }]
    expect(await mq.cancelAll(targets)).toMatchObject({
      ...{ cancelled: 57, unknown: 1, tooLate: 0, notWaiting: 0, failed: 1 },
      failures: [{ index: 58, item: { id: '' }, error: { code: 'INVALID_OPTION' } }],
    })
    for await (const { index, item, outcome, error } of mq.cancelAll([receipts[1]!]))
      expect([index, item, outcome, error]).toEqual([0, receipts[1], 'cancelled', undefined])
    await settled(consumer, 60)
    expect(calls.map(({ delivery }) => delivery.id)).toEqual([kept.id])
  },

  'the event `cancelled` tells each answer of this connection': async (world, plain) => {
    const mq = open(plain)
    const { queue, id } = await prepared(world, mq, 'event')
    const heard: unknown[] = []
    mq.on('cancelled', (event) => void heard.push(event))
    const receipt = await mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h', id })
    await mq.reschedule(receipt, { in: '2h' }, content(2))
    await mq.cancel(id)
    await mq.cancelAll([{ id, dueAt: new Date(0) }])
    await mq.cancel({ id: '' }).catch(() => undefined)
    expect(heard).toEqual(['cancelled', 'unknown', 'too-late'].map((outcome) => ({ id, outcome })))
  },
}
