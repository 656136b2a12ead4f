/** The public types in the places where people use them. `tsc` checks them. */
import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  ladder,
  memory,
  on,
  onAny,
  plugin,
  type BulkOptions,
  type CancelMethods,
  type Delivery,
  type Destination,
  type Due,
  type Dueque,
  type DuequeEvents,
  type ErrorCode,
  type ErrorData,
  type Handler,
  type JournalledLadder,
  type JournalledPlugin,
  type LadderStrategy,
  type MemoryJournalStrategy,
  type MemoryLogStrategy,
  type MemoryStrategy,
  type MessageDefinition,
  type PayloadOf,
  type PluginStrategy,
  type Receipt,
  type RecurringMethods,
  type RecurringOptions,
  type Repeat,
  type Rescheduled,
  type ScheduleItem,
  type ScheduleOptions,
  type Strategy,
  type StrategyBulkOptions,
  type StrategyMethods,
  type StrategyScheduleOptions,
  type WaitingMethods,
} from '../../src/index.js'
import type { PostgresStrategy, PostgresTransaction } from '../../src/strategies/postgres/index.js'
import type { StoreStrategy } from '../../src/strategies/redis/index.js'

const reminder = defineMessage('reminder', z.object({ patient: z.string(), at: z.coerce.date() }))
const length = defineMessage(
  'length',
  z.string().transform((text) => text.length),
)

it('the type of a payload is the output of the schema', () => {
  expectTypeOf<PayloadOf<typeof reminder>>().toEqualTypeOf<{ patient: string; at: Date }>()
  expectTypeOf<PayloadOf<typeof length>>().toEqualTypeOf<number>()
  expectTypeOf<PayloadOf<MessageDefinition>>().toEqualTypeOf<unknown>()
  expectTypeOf<PayloadOf<MessageDefinition<string, bigint>>>().toEqualTypeOf<bigint>()
  expectTypeOf<PayloadOf<'reminder'>>().toEqualTypeOf<never>()
  expectTypeOf(length).toEqualTypeOf<MessageDefinition<string, number>>()
})

it('a handler in its own file has the types that on() gives it', () => {
  const remind = ({ payload, retry }: Delivery<PayloadOf<typeof reminder>>) => {
    expectTypeOf(payload.at).toEqualTypeOf<Date>()
    retry({ in: '1h' })
  }
  const handlers: Handler[] = [
    on(reminder, remind),
    onAny(({ payload }) => expectTypeOf(payload).toEqualTypeOf<unknown>()),
  ]
  on(length, ({ payload }) => expectTypeOf(payload).toEqualTypeOf<number>())
  // @ts-expect-error the handler is for another message
  on(length, remind)
  expect(handlers).toHaveLength(2)
})

it('a due time is `in`, `at` or a receipt, and a destination a queue or an exchange', () => {
  expectTypeOf<{ in: number }>().toExtend<Due>()
  expectTypeOf<{ at: Date }>().toExtend<Due>()
  expectTypeOf<{ at: { epochMilliseconds: number } }>().toExtend<Due>()
  expectTypeOf<{ in: number; at: Date }>().not.toExtend<Due>()
  expectTypeOf<{ to: { queue: string }; repeat: Receipt }>().toExtend<ScheduleOptions>()
  expectTypeOf<{ to: { queue: string } }>().not.toExtend<ScheduleOptions>()
  expectTypeOf<Receipt>().toEqualTypeOf<Repeat['repeat']>()
  expectTypeOf<{ queue: string; outlet: true }>().toExtend<Destination>()
  expectTypeOf<{ exchange: string; routingKey: string }>().toExtend<Destination>()
  expectTypeOf<{ queue: string; routingKey: string }>().not.toExtend<Destination>()
  expectTypeOf<{ exchange: string; outlet: true }>().not.toExtend<Destination>()
})

it('methods of some strategies exist with those strategies alone', async () => {
  expectTypeOf<StrategyMethods<MemoryStrategy>>().toEqualTypeOf<WaitingMethods & RecurringMethods>()
  expectTypeOf<StrategyMethods<StoreStrategy>>().toEqualTypeOf<WaitingMethods & RecurringMethods>()
  expectTypeOf<StrategyMethods<LadderStrategy>>().toEqualTypeOf<CancelMethods & RecurringMethods>()
  expectTypeOf<StrategyMethods<PluginStrategy>>().toEqualTypeOf<CancelMethods & RecurringMethods>()
  expectTypeOf<StrategyMethods<MemoryLogStrategy>>().toEqualTypeOf<CancelMethods & RecurringMethods>()
  // Code for a strategy with a log runs with a store as well.
  expectTypeOf<WaitingMethods>().toExtend<CancelMethods>()
  expectTypeOf<StrategyMethods<Strategy>>().toEqualTypeOf<unknown>()
  expectTypeOf<StrategyScheduleOptions<Strategy>>().not.toHaveProperty('onConflict')
  expectTypeOf<StrategyScheduleOptions<MemoryStrategy>>().toHaveProperty('onConflict')
  expectTypeOf<StrategyScheduleOptions<MemoryStrategy>>().not.toHaveProperty('transaction')
  expectTypeOf<StrategyScheduleOptions<PostgresStrategy>['transaction']>().toEqualTypeOf<
    PostgresTransaction | undefined
  >()
  const mq = await connect({ strategy: memory() })
  expectTypeOf(mq).toExtend<Dueque<MemoryStrategy> & WaitingMethods>()
  expectTypeOf<Awaited<ReturnType<typeof connect>>>().not.toHaveProperty('cancel')
  const plain = () => connect()
  expectTypeOf(plain).returns.resolves.toHaveProperty('reschedule')
  expectTypeOf(plain).returns.resolves.not.toHaveProperty('list')
  await mq.close()
})

it('waiting messages are seen only with a strategy that keeps a journal of them', async () => {
  expectTypeOf<StrategyMethods<JournalledLadder>>().toEqualTypeOf<WaitingMethods & RecurringMethods>()
  expectTypeOf<StrategyMethods<JournalledPlugin>>().toEqualTypeOf<WaitingMethods & RecurringMethods>()
  expectTypeOf<StrategyMethods<MemoryJournalStrategy>>().toEqualTypeOf<WaitingMethods & RecurringMethods>()
  expectTypeOf<StrategyScheduleOptions<JournalledLadder>>().not.toHaveProperty('onConflict')
  const [isSeen, isHidden] = [{ journal: true } as const, { journal: false } as const]
  expectTypeOf(ladder(isSeen)).toEqualTypeOf<JournalledLadder>()
  expectTypeOf(ladder({ shards: 2, journal: { minDelayMs: 60_000 } })).toEqualTypeOf<JournalledLadder>()
  expectTypeOf(ladder(isHidden)).toEqualTypeOf<LadderStrategy>()
  // It may be either: only what both have.
  expectTypeOf(ladder({ journal: Math.random() < 0.5 })).toEqualTypeOf<LadderStrategy>()
  expectTypeOf(plugin(isSeen)).toEqualTypeOf<JournalledPlugin>()
  expectTypeOf(plugin()).toEqualTypeOf<PluginStrategy>()
  expectTypeOf(memory({ cancellations: 'log', ...isSeen })).toEqualTypeOf<MemoryJournalStrategy>()
  expectTypeOf(memory({ cancellations: 'log', ...isHidden })).toEqualTypeOf<MemoryLogStrategy>()
  expect([ladder(isSeen), plugin(isSeen)].every(({ journal }) => 'countBy' in journal)).toBe(true)
  expect([ladder(isHidden), plugin(isHidden), ladder()].filter((strategy) => 'journal' in strategy)).toEqual([])

  const mq = await connect({ strategy: memory({ cancellations: 'log', journal: true }) })
  expectTypeOf(mq).toExtend<Dueque<MemoryJournalStrategy> & WaitingMethods>()
  expect(await mq.reschedule('x', { in: 0 })).toBeUndefined()
  // @ts-expect-error a log cannot lock an id
  await expect(mq.schedule(length, 'text', { to: { queue: 'q' }, in: 0, onConflict: 'error' })).rejects.toThrow()
  await mq.close()
})

it('a rescheduled message has a content with a log, and may have one with a store', async () => {
  const mq = await connect({ strategy: memory({ cancellations: 'log' }) })
  const refused = [
    // @ts-expect-error there is no content
    mq.reschedule('x', { in: 0 }),
    // @ts-expect-error the schema takes a text
    mq.reschedule('x', { in: 0 }, { message: length, payload: 5, options: { to: { queue: 'q' } } }),
    // @ts-expect-error the due time is an argument of its own
    mq.reschedule('x', { in: 0 }, { message: length, payload: 'text', options: { in: 5 } }),
  ]
  for (const one of refused) await expect(one).rejects.toThrow()
  expectTypeOf<ReturnType<typeof mq.reschedule>>().resolves.toEqualTypeOf<Rescheduled | undefined>()
  expectTypeOf<Rescheduled>().toExtend<Receipt>()
  await mq.close()
  const exact = await connect({ strategy: memory() })
  expect(await exact.reschedule('x', { in: 0 })).toBeUndefined()
  expect(await exact.reschedule('x', { in: 0 }, { message: length, payload: 'text' })).toBeUndefined()
  await exact.close()
})

it('a payload that does not fit its message does not compile', async () => {
  const mq = await connect({ strategy: memory() })
  mq.strategy.broker.declareQueue('q')
  const to = { queue: 'q' }
  await mq.schedule(length, 'text', { to, in: 0 })
  // @ts-expect-error the schema takes a text
  await expect(mq.schedule(length, 5, { to, in: 0 })).rejects.toThrow()
  await mq.schedule(length, 'text', { to, in: { minutes: 5 } })
  // @ts-expect-error there is no due time
  await expect(mq.schedule(length, 'text', { to })).rejects.toThrow('got neither')
  // @ts-expect-error there are two due times
  await expect(mq.schedule(length, 'text', { to, in: 0, at: new Date() })).rejects.toThrow('got both')
  // @ts-expect-error a number is no instant
  await expect(mq.schedule(length, 'text', { to, at: 5 })).rejects.toThrow('new Date(5)')
  // @ts-expect-error there is no such option
  await expect(mq.schedule(length, 'text', { to, in: 0, expiresin: 5 })).rejects.toThrow('expiresIn')
  expectTypeOf<ScheduleItem<string>>().toHaveProperty('payload').toEqualTypeOf<string>()
  await mq.close()
})

it('scheduleAll has batches with a log of cancellations, and not with a store', () => {
  expectTypeOf<Parameters<Dueque<LadderStrategy>['scheduleAll']>[1]>().toEqualTypeOf<BulkOptions | undefined>()
  expectTypeOf<
    [StrategyBulkOptions<JournalledLadder>, StrategyBulkOptions<PluginStrategy>, StrategyBulkOptions<MemoryLogStrategy>]
  >().toEqualTypeOf<[BulkOptions, BulkOptions, BulkOptions]>()
  expectTypeOf<{ batch: true }>().not.toExtend<StrategyBulkOptions<StoreStrategy>>()
  expectTypeOf<{ batch: true }>().not.toExtend<StrategyBulkOptions<PostgresStrategy>>()
  expectTypeOf<{ batch: true }>().not.toExtend<StrategyBulkOptions<MemoryStrategy>>()
})

it('each event has its listener, and each error code its data', () => {
  expectTypeOf<Parameters<DuequeEvents['blocked']>>().toEqualTypeOf<[reason: string]>()
  expectTypeOf<Parameters<Dueque['on']>[0]>().toEqualTypeOf<keyof DuequeEvents>()
  expectTypeOf<keyof ErrorData>().toEqualTypeOf<ErrorCode>()
  expectTypeOf<ErrorData['INVALID_OPTION']>().toEqualTypeOf<{ option: string }>()
})

it('a recurring message has a pattern or an interval, and the payload of its definition', async () => {
  const mq = await connect({ strategy: memory() })
  expectTypeOf<Awaited<ReturnType<typeof mq.recurring.set>>['changed']>().toEqualTypeOf<boolean>()
  const to = { queue: 'q' }
  const refused = [
    // @ts-expect-error there are no times
    mq.recurring.set('x', { message: length, payload: 'text', to }),
    // @ts-expect-error there are two kinds of times
    mq.recurring.set('x', { message: length, payload: 'text', to, cron: '0 9 * * *', every: '1h' }),
    // @ts-expect-error an interval has no zone
    mq.recurring.set('x', { message: length, payload: 'text', to, every: '1h', tz: 'Europe/Berlin' }),
    // @ts-expect-error the schema takes a text
    mq.recurring.set('x', { message: length, payload: 5, to, every: '1h' }),
  ]
  for (const one of refused) await expect(one).rejects.toThrow()
  const options: RecurringOptions<string> = { message: length, payload: 'text', to, every: '1h', declare: true }
  const [item] = [{ id: 'x', ...options, mine: 1 }].map(({ mine: _, ...rest }) => rest)
  const { failures } = await mq.recurring.setAll([item!, { ...item!, id: '' }])
  expect(failures.map(({ item: { id } }) => id)).toEqual([''])
  await mq.close()
})
