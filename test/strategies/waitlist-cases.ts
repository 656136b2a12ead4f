import { randomInt } from 'node:crypto'
import { expect } from 'vitest'
import { z } from 'zod'
import {
  defineMessage,
  isDuequeError,
  type Dueque,
  type Strategy,
  type WaitingMethods,
  type Waitlist,
} from '../../src/index.js'
import { sendTick } from '../../src/recurring/tick.js'
import { poll } from '../support/broker.js'
import { definitionOf } from '../unit/recurring/definition-of.js'
import type { Case } from './conformance.js'
import { Recorder, note, scheduleNotes, unique } from './recorder.js'
import { listAll } from './view-cases.js'

const other = defineMessage('test.other', z.string())

type Exact = Dueque<Strategy & { waitlist: Waitlist }> & WaitingMethods

/** The connection of a strategy with a waitlist, with its type. */
function open(mq: Dueque): Exact {
  return mq as Exact
}

/** Far enough for a busy machine to change a message before it is due. */
const SOON_MS = 4000

/** The cases that every strategy with a waitlist must pass, beside those of `view-cases.ts`. */
export const WAITLIST_CASES: Record<string, Case> = {
  'a message that is cancelled by receipt or by id is not delivered': async (_world, plain) => {
    const mq = open(plain)
    const queue = unique('cancel')
    const receipts = await scheduleNotes(
      mq,
      queue,
      [0, 1, 2, 3].map((n) => SOON_MS + n * 100),
    )
    expect(await mq.cancel(receipts[1]!)).toBe('cancelled')
    expect(await mq.cancel(receipts[2]!.id)).toBe('cancelled')
    expect(await mq.cancel(receipts[2]!)).toBe('not-waiting')
    expect(await mq.cancel(unique('never'))).toBe('not-waiting')
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(2)
    expect(recorder.numbers.toSorted()).toEqual([0, 3])
    expect(await mq.cancel(receipts[0]!)).toBe('not-waiting')
  },

  'ticks of recurring messages are not among the messages of users, in whatever order they wait': async (
    world,
    plain,
  ) => {
    const mq = open(plain)
    const [queue, id] = [unique('ticks'), unique('tick')]
    for (const one of [queue, 'ns.v1.ticks']) await world.declareQueue(one)
    // A span of time that no other test uses.
    const hour = Date.UTC(2034, 0, 1) + randomInt(8000) * 3_600_000
    const due = { from: new Date(hour), to: new Date(hour + 3_600_000) }
    const revision = hour * 1000
    const definition = definitionOf({ id, revision, everyMs: 60_000 })
    const route = { strategy: mq.strategy, queue: 'ns.v1.ticks', now: () => hour }
    for (const minutes of [1, 2, 3, 30]) await sendTick(route, definition, hour + minutes * 60_000 + 120_000)
    const to = { queue }
    for (const n of [1, 2]) await mq.schedule(note, { n }, { to, at: new Date(hour + n * 600_000), id: `${id}/${n}` })
    const ids = async (limit: number) => (await mq.list({ due, limit })).messages.map((one) => one.id)
    expect([await ids(10), await ids(1)]).toEqual([[`${id}/1`, `${id}/2`], [`${id}/1`]])
    expect([await mq.count({ due }), await mq.count({ due, idPrefix: id })]).toEqual([2, 2])
    expect((await mq.countBy('minute', { due })).map(({ count }) => count)).toEqual([1, 1])
    const tick = `${id}@${new Date(hour + 180_000).toISOString()}#tick`
    expect([await mq.get(tick), await mq.cancel(tick)]).toEqual([undefined, 'not-waiting'])
    const { waitlist } = mq.strategy
    const destinations = (await waitlist.countByDestination()).map(({ destination }) => destination.queue)
    expect(destinations).not.toContain('ns.v1.ticks')
    await mq.cancel(`${id}/1`)
    expect(await mq.count({ due })).toBe(1)
  },

  'a cancelled id can be scheduled again, and an old receipt does not affect it': async (world, plain) => {
    const mq = open(plain)
    const [queue, id] = [unique('again'), unique('id')]
    await world.declareQueue(queue)
    const first = await mq.schedule(note, { n: 1 }, { to: { queue }, in: SOON_MS, id })
    expect(await mq.cancel(first)).toBe('cancelled')
    await mq.schedule(note, { n: 2 }, { to: { queue }, in: SOON_MS, id })
    expect(await mq.cancel(first)).toBe('not-waiting')
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(1)
    expect(recorder.numbers).toEqual([2])
  },

  'a rescheduled message holds the content that is given, and nothing of before': async (world, plain) => {
    const mq = open(plain)
    const [queue, id] = [unique('content'), unique('id')]
    await world.declareQueue(queue)
    const before = { headers: { a: 1 }, correlationId: 'c', dedupeKey: unique('key'), priority: 2, expiresIn: '1m' }
    const old = await mq.schedule(note, { n: 1, text: 'old' }, { to: { queue }, in: '1h', id, ...before })
    expect(old.cancellableUntil).toBe(old.dueAt)

    const options = { headers: { b: [2], none: null }, priority: 1 }
    const far = await mq.reschedule(old, { in: '2h' }, { message: other, payload: 'ü→😀\u0000', options })
    expect(far).toMatchObject({ id, revision: old.revision, destination: { queue }, replaced: 'cancelled' })
    const got = await mq.get(id)
    expect(got).toMatchObject({ name: 'test.other', payload: 'ü→😀\u0000', receipt: { dueAt: far!.dueAt } })
    expect(got?.headers).toEqual({ b: [2], none: null })
    const destination = { queue }
    expect(await mq.count({ destination, name: 'test.note' })).toBe(0)
    expect(await listAll(mq, { destination, name: 'test.other' }, 10)).toEqual([id])

    const content = { message: note, payload: { n: 2 } }
    const refused = [
      mq.reschedule(id, { in: 1 }, { ...content, options: { to: { queue: unique('elsewhere') } } }),
      mq.reschedule(id, { in: 1 }, { ...content, options: { priority: 9 } }),
      mq.reschedule(id, { in: 1 }, { message: note, payload: { n: 'two' as unknown as number } }),
    ]
    const codes = (await Promise.allSettled(refused)).map((one) => (one as PromiseRejectedResult).reason as unknown)
    expect(codes).toMatchObject(['INVALID_OPTION', 'INVALID_OPTION', 'INVALID_PAYLOAD'].map((code) => ({ code })))
    expect((await mq.get(id))?.name).toBe('test.other')

    await mq.reschedule(far!, { in: 1000 }, { ...content, options: { to: { queue } } })
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(1)
    expect(recorder.deliveries).toMatchObject([{ id, payload: { n: 2 }, attempt: 1 }])
    expect(recorder.deliveries[0]!.headers).toEqual({})
    expect(recorder.early).toEqual([])
    expect(await mq.reschedule(id, { in: 1000 }, content)).toBeUndefined()
  },

  'a receipt cancels and moves its own schedule alone': async (world, plain) => {
    const mq = open(plain)
    const [queue, id] = [unique('own'), unique('id')]
    await world.declareQueue(queue)
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: '1h', id })
    const [first, second] = [await schedule(1), await schedule(2)]
    expect(await mq.cancel(second)).toBe('cancelled')
    expect(await mq.cancel(second)).toBe('not-waiting')
    expect(await mq.reschedule(second, { in: '2h' })).toBeUndefined()
    expect(await mq.reschedule(first, { in: '2h' })).toMatchObject({ revision: first.revision })
    expect(await mq.cancel(id)).toBe('cancelled')
  },

  'cancelAll and the event `cancelled` tell each answer': async (_world, plain) => {
    const mq = open(plain)
    const heard: unknown[] = []
    mq.on('cancelled', (event) => void heard.push(event))
    const queue = unique('all')
    const receipts = await scheduleNotes(mq, queue, Array<number>(50).fill(3_600_000))
    const targets = [...receipts.slice(1), receipts[0]!.id, unique('never')]
    const none = { tooLate: 0, unknown: 0, failed: 0 }
    expect(await mq.cancelAll(targets)).toMatchObject({ ...none, cancelled: 50, notWaiting: 1 })
    expect(await mq.count({ destination: { queue } })).toBe(0)
    expect(heard).toHaveLength(51)
    expect(heard).toContainEqual({ id: receipts[0]!.id, outcome: 'cancelled' })
    expect(heard).toContainEqual({ id: targets.at(-1), outcome: 'not-waiting' })
  },

  'onConflict keeps, replaces, refuses or doubles an id that already waits': async (world, plain) => {
    const mq = open(plain)
    const [queue, id] = [unique('conflict'), unique('id')]
    await world.declareQueue(queue)
    const options = { to: { queue }, in: SOON_MS, id }
    const first = await mq.schedule(note, { n: 1 }, { ...options, onConflict: 'error' })
    const refused = await mq.schedule(note, { n: 2 }, { ...options, onConflict: 'error' }).catch((e: unknown) => e)
    expect(isDuequeError(refused, 'CONFLICT') && refused.outcome).toBe('refused')
    expect(await mq.schedule(note, { n: 3 }, { ...options, in: 9000, onConflict: 'ignore' })).toEqual(first)
    const replaced = await mq.schedule(note, { n: 4 }, { ...options, onConflict: 'replace' })
    expect(replaced.revision).toBeGreaterThan(first.revision)
    await mq.schedule(note, { n: 5 }, options)
    expect((await mq.get(id))?.payload).toEqual({ n: 5 })
    expect(await mq.count({ destination: { queue } })).toBe(2)
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(2)
    expect(recorder.numbers.toSorted()).toEqual([4, 5])
    // It no longer waits, so there is no conflict.
    await mq.schedule(note, { n: 6 }, { ...options, in: 100, onConflict: 'error' })
    await recorder.has(3)
  },

  'a schedule that is repeated by its receipt waits once': async (world, plain) => {
    const mq = open(plain)
    const queue = unique('repeat')
    await world.declareQueue(queue)
    const receipt = await mq.schedule(note, { n: 1 }, { to: { queue }, in: SOON_MS })
    expect(await mq.schedule(note, { n: 1 }, { to: { queue }, repeat: receipt })).toEqual(receipt)
    expect(await mq.count({ destination: { queue } })).toBe(1)
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(1)
  },

  'one of many concurrent cancels reports success': async (_world, plain) => {
    const mq = open(plain)
    const [receipt] = await scheduleNotes(mq, unique('race'), [60_000])
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => mq.cancel(receipt!)))
    expect(outcomes.filter((outcome) => outcome === 'cancelled')).toHaveLength(1)
  },

  'a message is either cancelled or delivered, however close to its due time': async (_world, plain) => {
    const mq = open(plain)
    const queue = unique('close')
    const count = 200
    const receipts = await scheduleNotes(
      mq,
      queue,
      Array.from({ length: count }, () => 1000),
    )
    const recorder = await Recorder.on(mq, queue)
    const dueAt = Date.parse(receipts[0]!.dueAt)
    await poll(() => Date.now() >= dueAt - 5, { timeoutMs: 30_000, intervalMs: 1, what: 'the time to come near' })
    const cancelled = new Set<number>()
    for (const [n, receipt] of receipts.entries()) {
      if ((await mq.cancel(receipt)) === 'cancelled') cancelled.add(n)
    }
    await recorder.has(count - cancelled.size)
    await poll(async () => (await mq.count({ destination: { queue } })) === 0, {
      timeoutMs: 30_000,
      what: 'an empty store',
    })
    expect(recorder.numbers.filter((n) => cancelled.has(n))).toEqual([])
    expect(recorder.deliveries).toHaveLength(count - cancelled.size)
  },
}
