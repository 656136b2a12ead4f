import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  defineMessage,
  memory,
  on,
  type CancelMethods,
  type RecurringMethods,
  type CancelResult,
  type Dueque,
  type MemoryLogStrategy,
  type WaitingMethods,
} from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { rejection, thrown } from '../thrown.js'

const now = '2026-11-23T09:00:00Z'
const invoice = defineMessage('invoice', z.number())
const to = { queue: 'q' }

/** Code that runs with either form, as a service does with its strategy. */
async function pay(mq: Pick<CancelMethods, 'cancel'>, id: string, dueAt: string): Promise<CancelResult> {
  return mq.cancel({ id, dueAt })
}

it('by default it cancels as a store does', async () => {
  const { mq, clock, waiting, delivered } = await testDueque({ now, queues: ['q'] })
  expectTypeOf(mq).toExtend<WaitingMethods>()
  await mq.consume('q', [on(invoice, () => undefined)])
  const { id, dueAt, cancellableUntil } = await mq.schedule(invoice, 1, { to, in: '1h' })
  expect(cancellableUntil).toBe(dueAt)
  await clock.advance(3_599_999)
  expect([await pay(mq, id, dueAt), await pay(mq, id, dueAt)]).toEqual(['cancelled', 'not-waiting'])
  expect(waiting()).toEqual([])
  await clock.advance('1h')
  expect(delivered()).toEqual([])
})

it('as a log it answers by the margin, and a consumer drops the message', async () => {
  const {
    mq,
    connect: another,
    clock,
    waiting,
    scheduled,
    delivered,
    queued,
  } = await testDueque({
    now,
    queues: ['q'],
    cancellations: 'log',
  })
  expectTypeOf(mq).toEqualTypeOf<Dueque<MemoryLogStrategy> & CancelMethods & RecurringMethods>()
  expectTypeOf(mq).not.toHaveProperty('list')
  expect(mq).not.toHaveProperty('list')
  const patient = await another({ cancellations: { marginMs: 5000 } })
  const consumer = await mq.consume('q', [on(invoice, () => undefined)])
  const receipts = await Promise.all([1, 2, 3, 4].map((n) => mq.schedule(invoice, n, { to, in: '1h' })))
  await clock.advance(3_599_000)
  const [first, second, third] = receipts as [(typeof receipts)[0], (typeof receipts)[0], (typeof receipts)[0]]
  expect(await pay(mq, first.id, first.dueAt)).toBe('cancelled')
  expect(await pay(patient, second.id, second.dueAt)).toBe('too-late')
  expect(await mq.cancel(third.id)).toBe('unknown')
  expect([waiting().map(({ payload }) => payload), scheduled().length]).toEqual([[4], 4])
  await clock.advance('1h')
  expect(delivered().map(({ payload }) => payload)).toEqual([4])
  expect([consumer.stats(), queued()]).toMatchObject([{ handled: 1, cancelled: 3 }, []])
})

it('as a log it needs the content of a rescheduled message, and shows both as scheduled', async () => {
  const { mq, clock, waiting, scheduled, delivered } = await testDueque({ now, queues: ['q'], cancellations: 'log' })
  await mq.consume('q', [on(invoice, () => undefined)])
  const receipt = await mq.schedule(invoice, 1, { to, in: '1h' })
  // @ts-expect-error there is no content
  expect((await rejection(mq.reschedule(receipt, { in: '2h' }))).data).toEqual({ option: 'content' })
  const moved = await mq.reschedule(receipt, { in: '2h' }, { message: invoice, payload: 2 })
  expect(moved).toMatchObject({ replaced: 'cancelled', id: receipt.id, destination: to })
  expect([waiting(), scheduled().length]).toMatchObject([[{ payload: 2 }], 2])
  await clock.advance('3h')
  expect(delivered().map(({ payload }) => payload)).toEqual([2])
})

it('as a log it takes no onConflict, as strategies without a store', async () => {
  const { mq } = await testDueque({ queues: ['q'], cancellations: 'log' })
  // @ts-expect-error there is no such option
  const refused = await rejection(mq.schedule(invoice, 1, { to, in: 1, onConflict: 'replace' }))
  expect(refused.data).toEqual({ option: 'onConflict' })
})

it('another form is refused', async () => {
  expect(thrown(() => memory({ cancellations: 'stream' } as never)).data).toEqual({ option: 'cancellations' })
  expect((await rejection(testDueque({ cancellations: true } as never))).data).toEqual({ option: 'cancellations' })
})
