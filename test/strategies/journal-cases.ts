import { expect } from 'vitest'
import { on } from '../../src/index.js'
import { poll } from '../support/broker.js'
import type { Case } from './conformance.js'
import { Recorder, note, scheduleNotes, unique } from './recorder.js'
import { looking } from './view-cases.js'

/**
 * The cases of a journal beside a log of cancellations, where it differs from a store: a reschedule is a new schedule.
 * docs/guides/cancelling.md has the differences in a table.
 */
export const JOURNAL_CASES: Record<string, Case> = {
  'a message that is rescheduled without content has a greater revision, and its old receipt shows nothing': async (
    _world,
    plain,
  ) => {
    const mq = looking(plain)
    const [old] = await scheduleNotes(mq, unique('revision'), [3_600_000])
    const moved = (await mq.reschedule(old!, { in: '2h' }))!
    expect(moved.revision).toBeGreaterThan(old!.revision)
    expect([await mq.get(old!), await mq.reschedule(old!, { in: '3h' })]).toEqual([undefined, undefined])
    expect(await mq.cancel(old!)).toBe('cancelled')
    const { replaced: _, ...receipt } = moved
    expect((await mq.get(old!.id))!.receipt).toEqual(receipt)
  },

  'of several reschedules at once without content, one message is left': async (world, plain) => {
    const mq = looking(plain)
    const queue = unique('race')
    const [receipt] = await scheduleNotes(mq, queue, [3_600_000])
    const others = [mq, looking(await world.connect()), looking(await world.connect())]
    const moved = await Promise.all(others.map((other, n) => other.reschedule(receipt!, { in: 7_200_000 + n })))
    const latest = moved.toSorted((a, b) => a!.revision - b!.revision).at(-1)!
    const { messages } = await mq.list({ destination: { queue } })
    expect(messages.map((one) => one.receipt.revision)).toEqual([latest.revision])
  },

  'the receipts of get and list tell until when a cancellation is in time': async (_world, plain) => {
    const mq = looking(plain)
    const queue = unique('until')
    const [receipt] = await scheduleNotes(mq, queue, [3_600_000])
    const { messages } = await mq.list({ destination: { queue } })
    expect(messages.map((one) => one.receipt)).toEqual([receipt])
    expect((await mq.get(receipt!.id))!.receipt).toEqual(receipt)
    expect(Date.parse(receipt!.dueAt) - Date.parse(receipt!.cancellableUntil!)).toBe(1000)
  },

  'onConflict is refused, because a log cannot lock an id': async (world, plain) => {
    const mq = looking(plain)
    const queue = unique('conflict')
    await world.declareQueue(queue)
    const options = { to: { queue }, in: '1h', id: unique('id'), onConflict: 'replace' }
    const refused = (await mq.schedule(note, { n: 1 }, options as never).catch((e: unknown) => e)) as Error
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'onConflict' }, outcome: 'refused' })
    expect(refused.message).toContain('cannot lock an id')
    expect(await mq.get(options.id)).toBeUndefined()
  },

  'reschedule with content schedules also if nothing waits': async (world, plain) => {
    const mq = looking(plain)
    const [queue, id] = [unique('content'), unique('id')]
    await world.declareQueue(queue)
    const content = { message: note, payload: { n: 2 }, options: { to: { queue } } }
    expect(await mq.reschedule(id, { in: '1h' }, content)).toMatchObject({ id, replaced: 'unknown' })
    expect(await mq.get(id)).toMatchObject({ payload: { n: 2 }, attempt: 1 })
  },

  'the retries of one message for two queues are moved together': async (world, plain) => {
    const mq = looking(plain)
    const [exchange, id] = [unique('fan'), unique('id')]
    const queues = [unique('fan-a'), unique('fan-b')]
    await world.declareExchange(exchange, 'fanout')
    for (const queue of queues) {
      await world.declareQueue(queue)
      await world.bind(queue, exchange)
    }
    const calls: string[] = []
    const consume = (queue: string) => {
      const handler = on(note, ({ attempt }) => {
        calls.push(`${queue} ${attempt}`)
        if (attempt === 1) throw new Error('not yet')
      })
      return mq.consume(queue, [handler], { retry: { attempts: 2, backoff: '1h' } })
    }
    const consumers = await Promise.all(queues.map(consume))
    await mq.schedule(note, { n: 1 }, { to: { exchange }, in: 0, id })
    const retried = () => consumers.every((consumer) => consumer.stats().retried === 1)
    await poll(retried, { timeoutMs: 30_000, what: 'two retries' })
    const moved = await mq.reschedule(id, { in: 100 })
    expect(moved).toMatchObject({ replaced: 'cancelled' })
    await poll(() => calls.length === 4, { timeoutMs: 30_000, what: 'both second attempts' })
    expect(calls.toSorted()).toEqual(queues.flatMap((queue) => [`${queue} 1`, `${queue} 2`]).toSorted())
    expect(await mq.get(id)).toBeUndefined()
  },

  'of a message that is cancelled while it is rescheduled, the new copy is delivered or nothing': async (
    world,
    plain,
  ) => {
    const mq = looking(plain)
    const queue = unique('middle')
    const receipts = await scheduleNotes(
      mq,
      queue,
      [1, 2, 3, 4, 5].map((n) => 3_600_000 + n),
    )
    const canceller = looking(await world.connect())
    const moved = await Promise.all(
      receipts.map(async ({ id, dueAt }) => {
        const [one] = await Promise.all([mq.reschedule(id, { in: '2h' }), canceller.cancel({ id, dueAt })])
        return one
      }),
    )
    const { messages } = await mq.list({ destination: { queue } })
    // Which one comes first is open; the old message never waits, and none waits twice.
    const known = new Set(moved.flatMap((one) => (one ? [one.revision] : [])))
    for (const { receipt, id } of messages) {
      expect(known.has(receipt.revision)).toBe(true)
      expect(messages.filter((other) => other.id === id)).toHaveLength(1)
    }
    const recorder = await Recorder.on(mq, queue)
    for (const { receipt } of messages) await mq.reschedule(receipt, { in: 0 })
    await recorder.has(messages.length)
    expect(recorder.numbers.toSorted()).toEqual(messages.map(({ payload }) => (payload as { n: number }).n).toSorted())
  },
}
