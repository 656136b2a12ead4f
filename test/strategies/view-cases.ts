import { expect } from 'vitest'
import {
  isDuequeError,
  on,
  type Dueque,
  type Receipt,
  type WaitingFilter,
  type WaitingMethods,
} from '../../src/index.js'
import { poll } from '../support/broker.js'
import type { Case } from './conformance.js'
import { Recorder, note, scheduleNotes, unique } from './recorder.js'

export type Looking = Dueque & WaitingMethods

/** The connection of a strategy with a waitlist or a journal, with its type. */
export function looking(mq: Dueque): Looking {
  return mq as Looking
}

/** The ids of all pages. */
export async function listAll(mq: WaitingMethods, filter: WaitingFilter, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await mq.list({ ...filter, limit, cursor })
    ids.push(...page.messages.map(({ id }) => id))
    cursor = page.cursor
  }
  return ids
}

/** Far enough for a busy machine to change a message before the margin of a log begins. */
const SOON_MS = 10_000

/** The cases that every strategy must pass whose waiting messages can be seen, in a store or in a journal. */
export const VIEW_CASES: Record<string, Case> = {
  'waiting messages can be got, listed by time and counted, with every filter': async (world, plain) => {
    const mq = looking(plain)
    const [queue, other, exchange] = [unique('list'), unique('list-other'), unique('list-exchange')]
    await world.declareExchange(exchange, 'topic')
    await world.declareQueue(other)
    const start = Date.now()
    const at = (hours: number) => new Date(start + hours * 3_600_000)
    const receipts: Receipt[] = []
    for (const hours of [3, 1, 2, 5, 4]) {
      const options = { to: { queue }, at: at(hours), id: unique(`${hours}h`), declare: true, headers: { hours } }
      receipts.push(await mq.schedule(note, { n: hours, text: 'ü' }, options))
    }
    await mq.schedule(note, { n: 0 }, { to: { queue: other }, at: at(1) })
    await mq.schedule(note, { n: 0 }, { to: { exchange, routingKey: 'a.b' }, at: at(1) })
    await mq.schedule(note, { n: 0 }, { to: { exchange, routingKey: 'c' }, at: at(1) })

    const got = await mq.get(receipts[0]!.id)
    expect(got).toMatchObject({ id: receipts[0]!.id, name: 'test.note', attempt: 1, headers: { hours: 3 } })
    expect(got).toMatchObject({ payload: { n: 3, text: 'ü' }, receipt: receipts[0], dueAt: at(3), readyAt: at(3) })
    expect(await mq.get(unique('never'))).toBeUndefined()

    const destination = { queue }
    const inOrder = [1, 2, 0, 4, 3].map((i) => receipts[i]!.id)
    for (const limit of [1, 2, 5, 100]) expect(await listAll(mq, { destination }, limit)).toEqual(inOrder)
    const due = { from: at(2), to: at(4) }
    expect(await listAll(mq, { destination, due }, 10)).toEqual(inOrder.slice(1, 3))
    expect(await mq.count({ destination })).toBe(5)
    expect(await mq.count({ destination, due })).toBe(2)
    expect(await mq.count({ destination, name: 'test.note' })).toBe(5)
    expect(await mq.count({ destination, name: 'test.other' })).toBe(0)
    expect(await mq.count({ destination: { exchange } })).toBe(2)
    expect(await mq.count({ destination: { exchange, routingKey: 'a.b' } })).toBe(1)
    expect(await mq.count()).toBeGreaterThanOrEqual(8)
    expect(await mq.count({ due: { from: at(0.5) } })).toBeGreaterThanOrEqual(8)
    for (const id of inOrder) await mq.cancel(id)
    expect(await mq.count({ destination })).toBe(0)
  },

  'waiting messages are found by the beginning of their ids and by headers, and counted by minute, hour and day':
    async (world, plain) => {
      const mq = looking(plain)
      const [queue, prefix] = [unique('filters'), unique('%_\\"\n😀')]
      await world.declareQueue(queue)
      const hour = Math.ceil(Date.now() / 3_600_000 + 1) * 3_600_000
      const [to, ids] = [{ queue }, [0, 1, 2, 3].map((n) => `${prefix}/${n}`)]
      const minutes = [0, 1, 59, 60]
      const headers = [{ a: 'x', b: [1] }, { a: 'x%' }, { a: 'x' }, {}]
      for (const [n, id] of ids.entries())
        await mq.schedule(note, { n }, { to, at: new Date(hour + minutes[n]! * 60_000), id, headers: headers[n]! })
      await mq.schedule(note, { n: 9 }, { to, at: new Date(hour), id: unique('other') })

      const destination = { queue }
      expect(await listAll(mq, { destination, idPrefix: prefix }, 3)).toEqual(ids)
      expect(await listAll(mq, { idPrefix: `${prefix}/1` }, 3)).toEqual([ids[1]])
      expect(await listAll(mq, { destination, headers: { a: 'x' } }, 1)).toEqual([ids[0], ids[2]])
      expect(await mq.count({ destination, headers: { a: 'x', b: [1] } })).toBe(1)
      expect(await mq.count({ destination, headers: { b: [2] } })).toBe(0)
      expect(await mq.count({ idPrefix: prefix })).toBe(4)
      expect(await mq.count({ destination, headers: {} })).toBe(5)
      const spans = async (...args: Parameters<Looking['countBy']>) =>
        (await mq.countBy(...args)).map(({ from, count }) => [(from.getTime() - hour) / 60_000, count])
      expect(await spans('hour', { idPrefix: prefix })).toEqual([[0, 3], [60, 1]]) // prettier-ignore
      expect(await spans('minute', { destination, due: { to: new Date(hour + 3_600_000) } })).toEqual([[0, 2], [1, 1], [59, 1]]) // prettier-ignore
      const days = await mq.countBy('day', { destination })
      expect(days.reduce((sum, { count }) => sum + count, 0)).toBe(5)
      expect(days.every(({ from }) => from.getTime() % 86_400_000 === 0)).toBe(true)

      const due = { from: new Date(hour + 1), to: new Date(hour) }
      const wrong = [{ idPrefix: 7 as never }, { idPrefix: '' }, { headers: 'a' as never }, { due }]
      const refused = wrong.map((filter) => mq.count(filter))
      const codes = (await Promise.allSettled(refused)).map((one) => (one as PromiseRejectedResult).reason as unknown)
      expect(codes).toMatchObject(refused.map(() => ({ code: 'INVALID_OPTION' })))
    },

  'messages that come and go do not shift the pages of a list': async (world, plain) => {
    const mq = looking(plain)
    const queue = unique('pages')
    const receipts = await scheduleNotes(
      mq,
      queue,
      [1, 2, 3, 4, 5].map((hours) => hours * 3_600_000),
    )
    const page = (cursor?: string) => mq.list({ destination: { queue }, limit: 2, cursor })
    const first = await page()
    const producer = await world.connect()
    await producer.schedule(note, { n: 5 }, { to: { queue }, in: '30m' })
    await producer.schedule(note, { n: 6 }, { to: { queue }, in: '210m' })
    for (const gone of [0, 1, 3]) await mq.cancel(receipts[gone]!)
    const second = await page(first.cursor)
    const third = await page(second.cursor)
    const pages = [first, second, third].map(({ messages }) =>
      messages.map(({ payload }) => (payload as { n: number }).n),
    )
    expect(pages).toEqual([[0, 1], [2, 6], [4]])
    expect(third.cursor).toBeUndefined()
  },

  'a receipt shows its own schedule, and an id the latest that waits': async (world, plain) => {
    const mq = looking(plain)
    const [queue, id] = [unique('own'), unique('id')]
    await world.declareQueue(queue)
    const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: '1h', id })
    const [first, second] = [await schedule(1), await schedule(2)]
    expect((await mq.get(first))?.payload).toEqual({ n: 1 })
    expect((await mq.get(id))?.payload).toEqual({ n: 2 })
    expect(await mq.count({ destination: { queue } })).toBe(2)
    expect(await mq.cancel(second)).toBe('cancelled')
    expect(await mq.get(second)).toBeUndefined()
    expect((await mq.get(id))?.payload).toEqual({ n: 1 })
    await mq.cancel(id)
    expect([await mq.get(id), await mq.count({ destination: { queue } })]).toEqual([undefined, 0])
    expect(await mq.reschedule(id, { in: '2h' })).toBeUndefined()
  },

  'a due message is not shown, and cannot be rescheduled without content': async (world, plain) => {
    const mq = looking(plain)
    const queue = unique('gone')
    const [receipt] = await scheduleNotes(mq, queue, [1500])
    await poll(async () => (await world.depth(queue)) === 1, { timeoutMs: 30_000, what: 'the due message' })
    expect([await mq.get(receipt!), await mq.count({ destination: { queue } })]).toEqual([undefined, 0])
    expect(await mq.reschedule(receipt!, { in: 1000 })).toBeUndefined()
    expect(await mq.reschedule(unique('never'), { in: 1000 })).toBeUndefined()
  },

  'a message that is rescheduled without content arrives once at its new time, with everything that it held': async (
    world,
    plain,
  ) => {
    const mq = looking(plain)
    const queue = unique('reschedule')
    await world.declareQueue(queue)
    const held = {
      headers: { tenant: 'a', deep: { list: [1, null] } },
      correlationId: 'c',
      priority: 2,
      expiresIn: '1h',
    }
    const schedule = (n: number, delay: number | string) =>
      mq.schedule(note, { n, text: 'ü' }, { ...held, to: { queue }, in: delay, dedupeKey: unique('key') })
    const [near, far, now] = await Promise.all([schedule(0, SOON_MS), schedule(1, '9h'), schedule(2, '40d')])
    const at = (ms: number) => ({ at: new Date(Date.parse(near.dueAt) + ms) })
    const later = await mq.reschedule(near, at(8000))
    const sooner = await mq.reschedule(far.id, at(5000))
    const { messages } = await mq.list({ destination: { queue } })
    expect(messages.map(({ receipt }) => receipt)).toMatchObject(
      [sooner, later, now].map((one) => ({ dueAt: one!.dueAt })),
    )
    const atOnce = await mq.reschedule((await mq.get(now.id))!.receipt, { in: 0 })
    for (const [old, moved] of [
      [near, later],
      [far, sooner],
      [now, atOnce],
    ] as [Receipt, Receipt][]) {
      expect(moved).toMatchObject({ id: old.id, destination: { queue }, replaced: 'cancelled' })
      expect(moved.revision).toBeGreaterThanOrEqual(old.revision)
    }
    const left = async () => (await mq.count({ destination: { queue } })) <= 2
    await poll(left, { timeoutMs: 30_000, what: 'the message that is due to be handed over' })
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(3)
    expect([recorder.early, recorder.numbers.toSorted((a, b) => a - b)]).toEqual([[], [0, 1, 2]])
    for (const [n, moved] of [later, sooner, atOnce].entries()) {
      const { payload, headers, dueAt, attempt } = recorder.deliveries.find((one) => one.payload.n === n)!
      expect([payload.text, attempt]).toEqual(['ü', 1])
      // The plugin adds one of its own.
      expect(headers).toMatchObject(held.headers)
      expect(dueAt.toISOString()).toBe(moved!.dueAt)
    }
    expect(await mq.reschedule(near, { in: 1000 })).toBeUndefined()
  },

  'a retry is shown as the next attempt with its time, and can be moved and cancelled': async (world, plain) => {
    const mq = looking(plain)
    const queue = unique('retry-waits')
    await world.declareQueue(queue)
    const fails = on(note, () => {
      throw new Error('not yet')
    })
    const consumer = await mq.consume(queue, [fails], { retry: { attempts: 2, backoff: '1h' } })
    const before = Date.now()
    const receipt = await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, headers: { own: 1 } })
    await poll(() => consumer.stats().retried === 1, { timeoutMs: 30_000, what: 'a retry' })
    const retry = (await mq.get(receipt))!
    expect(retry).toMatchObject({ attempt: 2, payload: { n: 1 }, dueAt: new Date(receipt.dueAt), headers: { own: 1 } })
    expect(Object.keys(retry.headers)).toEqual(['own'])
    expect(retry.readyAt.getTime()).toBeGreaterThanOrEqual(before + 3_600_000)
    expect(retry.receipt.dueAt).toBe(retry.readyAt.toISOString())
    expect(await mq.reschedule(retry.receipt, { in: '2h' })).toMatchObject({ replaced: 'cancelled' })
    const moved = (await mq.get(receipt.id))!
    expect(moved).toMatchObject({ attempt: 2, payload: { n: 1 }, headers: { own: 1 } })
    expect(moved.readyAt).toEqual(moved.dueAt)
    expect(await mq.cancel(moved.receipt)).toBe('cancelled')
    expect(await mq.count({ destination: { queue } })).toBe(0)
  },

  'a target, a filter or a cursor that is none is refused': async (_world, plain) => {
    const mq = looking(plain)
    const refused: [string, Promise<unknown>][] = [
      ['target', mq.get('')],
      ['target', mq.reschedule({ id: '' }, { in: 1 })],
      ['due', mq.reschedule('x', 5 as never)],
      ['nam', mq.list({ nam: 'x' } as never)],
      ['limit', mq.list({ limit: 0 })],
      ['cursor', mq.list({ cursor: 'x' })],
      ['due.from', mq.count({ due: { from: 5 as never } })],
      ['unit', mq.countBy('week' as never)],
    ]
    for (const [option, promise] of refused) {
      const error = await promise.catch((e: unknown) => e)
      expect(isDuequeError(error, 'INVALID_OPTION') && error.data.option).toBe(option)
    }
    const { code } = (await mq.reschedule('x', { in: -5 }).catch((e: unknown) => e)) as { code: string }
    expect(code).toBe('INVALID_DUE')
  },
}
