import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  defineMessage,
  memory,
  on,
  type Dueque,
  type Headers,
  type MemoryJournalStrategy,
  type RecurringMethods,
  type WaitingMethods,
} from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { rejection, thrown } from '../thrown.js'

const now = '2026-11-23T09:00:00Z'
const START = Date.parse(now)
const invoice = defineMessage('invoice', z.number())
const to = { queue: 'q' }
const journalled = { now, queues: ['q'], cancellations: 'log', journal: true } as const

it('with a journal, waiting messages are seen as on RabbitMQ, and rescheduled without their content', async () => {
  const { mq, clock, waiting, scheduled, delivered } = await testDueque(journalled)
  expectTypeOf(mq).toEqualTypeOf<Dueque<MemoryJournalStrategy> & WaitingMethods & RecurringMethods>()
  const consumer = await mq.consume('q', [on(invoice, () => undefined)])
  const receipt = await mq.schedule(invoice, 1, { to, in: '1h', id: 'a', headers: { tenant: 'x' } })
  await mq.schedule(invoice, 2, { to, in: '2h', id: 'b' })
  expect(await mq.get('a')).toMatchObject({ payload: 1, headers: { tenant: 'x' }, receipt })
  expect(await mq.countBy('hour')).toEqual(
    [1, 2].map((hour) => ({ from: new Date(START + hour * 3_600_000), count: 1 })),
  )
  expect(await mq.cancel('b')).toBe('unknown')
  expect([await mq.count(), waiting().length]).toEqual([1, 1])
  const moved = await mq.reschedule(receipt, { in: '3h' })
  expect(moved).toMatchObject({ id: 'a', destination: to, replaced: 'cancelled' })
  expect((await mq.list()).messages).toMatchObject([{ id: 'a', payload: 1, dueAt: new Date(START + 3 * 3_600_000) }])
  expect(scheduled().map(({ payload }) => payload)).toEqual([1, 2, 1])
  await clock.advance('4h')
  expect(delivered()).toMatchObject([{ id: 'a', payload: 1, headers: { tenant: 'x' }, at: new Date(moved!.dueAt) }])
  expect(consumer.stats()).toMatchObject({ handled: 1, cancelled: 2 })
  expect(await mq.count()).toBe(0)
})

it('keeps the distance of an expiry, the dedupe key and the priority of a message that is rescheduled', async () => {
  const { mq, clock, dead, broker } = await testDueque(journalled)
  const options = { to, in: '1h', id: 'a', expiresIn: '1m', dedupeKey: 'k', priority: 3, correlationId: 'c' }
  await mq.schedule(invoice, 1, options)
  const { replaced: _, revision, dueAt } = (await mq.reschedule('a', { in: '2h' }))!
  await clock.advance('2h')
  const copies = broker.messages('q').filter(({ headers }) => headers['dueque-revision'] === revision)
  const due = Date.parse(dueAt)
  expect(copies).toMatchObject([
    {
      properties: { priority: 3, correlationId: 'c', messageId: 'a', timestamp: START / 1000 },
      headers: { 'dueque-due': due, 'dueque-expires': due + 60_000, 'dueque-dedupe': 'k' },
    },
  ])
  await clock.advance('1m')
  await mq.consume('q', [on(invoice, () => undefined)])
  await clock.advance(1)
  expect(dead()).toMatchObject([{ id: 'a', reason: 'expired' }])
})

it('shows a message that was put back because clocks differ', async () => {
  const { mq, clock, broker, delivered } = await testDueque({ now, cancellations: 'log', journal: true })
  const { id, dueAt } = await mq.schedule(invoice, 1, { to, in: '2h', declare: true })
  await clock.advance('2h')
  await clock.set(now)
  const consumer = await mq.consume('q', [on(invoice, () => undefined)])
  await clock.advance(0)
  expect(await mq.get(id)).toMatchObject({ attempt: 1, readyAt: new Date(dueAt), headers: {} })
  const moved = await mq.reschedule(id, { in: '1h' })
  await consumer.close()
  await clock.advance('1h')
  // Also with headers of dueque that no caller sees.
  expect(broker.messages('q')).toMatchObject([
    { headers: { 'dueque-put-backs': 1, 'dueque-revision': moved!.revision } },
  ])
  await mq.consume('q', [on(invoice, () => undefined)])
  await clock.advance('3h')
  expect(delivered()).toMatchObject([{ id, at: new Date(moved!.dueAt) }])
})

it('moves a retry that was put back to an earlier time than that of its retry', async () => {
  const { mq, clock, delivered } = await testDueque({ now, cancellations: 'log', journal: true })
  const fails = on(invoice, ({ attempt }) => {
    if (attempt === 1) throw new Error('not yet')
  })
  const retry = { attempts: 2, backoff: '2h' }
  const consumer = await mq.consume('q', [fails], { retry })
  const { id } = await mq.schedule(invoice, 1, { to, in: 0 })
  await clock.advance(0)
  await consumer.close()
  await clock.advance('2h')
  await clock.set(now)
  await mq.consume('q', [fails], { retry })
  await clock.advance(0)
  expect(await mq.get(id)).toMatchObject({ attempt: 2, readyAt: new Date(START + 7_200_000) })
  const moved = await mq.reschedule(id, { in: '10m' })
  await clock.advance('1h')
  expect(delivered().slice(1)).toMatchObject([{ id, attempt: 2, at: new Date(moved!.dueAt) }])
})

it('tells telemetry of a copy as of a schedule: with the headers of the producer, and what a hook adds travels', async () => {
  const { connect, mq, clock, delivered } = await testDueque(journalled)
  const seen: Headers[] = []
  const traced = await connect({
    telemetry: {
      schedule(_info, headers, run) {
        seen.push({ ...headers })
        headers['traceparent'] = `t${seen.length}`
        return run()
      },
    },
  })
  const fails = on(invoice, ({ attempt }) => {
    if (attempt === 1) throw new Error('not yet')
  })
  await mq.consume('q', [fails], { retry: { attempts: 2, backoff: '1h' } })
  const { id } = await traced.schedule(invoice, 1, { to, in: '1h', headers: { tenant: 'x' } })
  await clock.advance('1h')
  await traced.reschedule(id, { in: '10m' })
  await clock.advance('1h')
  expect(seen).toEqual([{ tenant: 'x' }, { tenant: 'x', traceparent: 't1' }])
  expect(delivered().map(({ attempt, headers }) => ({ attempt, headers }))).toEqual([
    { attempt: 1, headers: { tenant: 'x', traceparent: 't1' } },
    { attempt: 2, headers: { tenant: 'x', traceparent: 't2' } },
  ])
})

describe('the options of a journal', () => {
  it('minDelayMs leaves short delays out, which can be cancelled all the same', async () => {
    const { mq, clock, delivered } = await testDueque({ ...journalled, journal: { minDelayMs: 60_000 } })
    await mq.consume('q', [on(invoice, () => undefined)])
    const short = await mq.schedule(invoice, 1, { to, in: 59_999 })
    const long = await mq.schedule(invoice, 2, { to, in: 60_000 })
    expect((await mq.list()).messages.map(({ id }) => id)).toEqual([long.id])
    expect([await mq.get(short), await mq.reschedule(short, { in: 1 })]).toEqual([undefined, undefined])
    expect(await mq.cancel(short)).toBe('cancelled')
    await clock.advance('1m')
    expect(delivered().map(({ payload }) => payload)).toEqual([2])
  })

  it('bodies: false shows no payload, and then reschedule needs the content', async () => {
    const { mq, waiting } = await testDueque({ ...journalled, journal: { bodies: false, index: true } })
    const receipt = await mq.schedule(invoice, 1, { to, in: '1h' })
    expect(await mq.get(receipt)).toMatchObject({ name: 'invoice', payload: undefined, receipt })
    const error = await rejection(mq.reschedule(receipt, { in: '2h' }))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'content' }, outcome: 'refused' })
    expect(error.message).toContain('the journal keeps no bodies')
    expect(await mq.reschedule(receipt, { in: '2h' }, { message: invoice, payload: 2 })).toMatchObject({
      replaced: 'cancelled',
    })
    expect(waiting()).toMatchObject([{ payload: 2 }])
  })

  it('false is none, and without a log of cancellations a store shows the messages anyway', async () => {
    expect(memory({ cancellations: 'log', journal: false })).not.toHaveProperty('journal')
    expect(memory({ journal: false })).toHaveProperty('waitlist')
    const exact = thrown(() => memory({ journal: true }))
    expect(exact).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'journal' } })
    expect(exact.message).toContain("none without cancellations: 'log'")
    expect((await rejection(testDueque({ journal: {} }))).data).toEqual({ option: 'journal' })
  })

  it.each([
    [{ bodys: false }, 'journal.bodys'],
    [{ bodies: 'no' }, 'journal.bodies'],
    [{ minDelayMs: -1 }, 'journal.minDelayMs'],
    [{ index: { maxEntries: 0 } }, 'journal.index.maxEntries'],
    [{ index: { max: 5 } }, 'journal.index.max'],
    [{ index: 5 }, 'journal.index'],
    ['yes', 'journal'],
  ])('%j is refused', async (journal, option) => {
    const options = { cancellations: 'log', journal } as never
    expect(thrown(() => memory(options)).data).toEqual({ option })
    expect((await rejection(testDueque(options))).data).toEqual({ option })
  })
})
