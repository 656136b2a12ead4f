import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage, on, onAny } from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { rejection, thrown } from '../thrown.js'

const START = Date.UTC(2026, 10, 23, 9)
const after = (ms: number) => new Date(START + ms)
const now = '2026-11-23T10:00:00+01:00'
const reminder = defineMessage('reminder', z.object({ patient: z.string(), room: z.string().default('waiting room') }))
const invoice = defineMessage('invoice', z.number())

it('lists waiting messages, in the order of their delivery', async () => {
  const { mq, waiting } = await testDueque({ now, queues: ['reminders'] })
  const to = { queue: 'reminders' }
  await mq.schedule(reminder, { patient: 'late' }, { to, in: '2h', id: 'a' })
  await mq.schedule(reminder, { patient: 'first', room: '2b' }, { to, in: '1h', headers: { tenant: 'x' } })
  await mq.schedule(reminder, { patient: 'second' }, { to, at: after(3_600_000) })
  expect(waiting()).toMatchObject([
    { name: 'reminder', payload: { patient: 'first', room: '2b' }, to, headers: { tenant: 'x' }, attempt: 1 },
    { payload: { patient: 'second' }, dueAt: after(3_600_000), readyAt: after(3_600_000) },
    { id: 'a', payload: { patient: 'late' }, dueAt: after(7_200_000) },
  ])
})

it('lists all scheduled messages, including delivered ones, without refused ones', async () => {
  const { mq, clock, scheduled, waiting } = await testDueque({ now, queues: ['q'] })
  await mq.schedule(invoice, 1, { to: { queue: 'q' }, in: 0 })
  await rejection(mq.schedule(invoice, 2, { to: { queue: 'missing' }, in: 5 }))
  await clock.advance('1m')
  const items = [3, 4].map((payload) => ({ message: invoice, payload, options: { to: { queue: 'q' }, in: 10 } }))
  for await (const { error } of mq.scheduleAll(items)) expect(error).toBeUndefined()
  await clock.advance(10)
  expect(waiting()).toEqual([])
  expect(scheduled()).toMatchObject([
    { name: 'invoice', payload: 1, scheduledAt: after(0), dueAt: after(0) },
    { payload: 3, scheduledAt: after(60_000), dueAt: after(60_010), to: { queue: 'q' } },
    { payload: 4 },
  ])
})

it('lists scheduled messages in the order of scheduling, also if the handler of one schedules another', async () => {
  const { mq, clock, scheduled } = await testDueque({ queues: ['q'] })
  const again = on(invoice, ({ payload }) => {
    if (payload < 3) void mq.schedule(invoice, payload + 1, { to: { queue: 'q' }, in: 0 })
  })
  await mq.consume('q', [again])
  await mq.schedule(invoice, 1, { to: { queue: 'q' }, in: 0 })
  await clock.advance(0)
  expect(scheduled().map(({ payload }) => payload)).toEqual([1, 2, 3])
})

it('does not list retries as scheduled, but as waiting', async () => {
  const { mq, clock, scheduled, waiting } = await testDueque({ now })
  const fails = on(invoice, () => {
    throw new Error('not yet')
  })
  await mq.consume('q', [fails], { retry: { attempts: 3, backoff: '10s' } })
  await mq.schedule(invoice, 1, { to: { queue: 'q' }, in: '1m' })
  await clock.advance('1m')
  expect(scheduled()).toHaveLength(1)
  expect(waiting()).toMatchObject([
    { payload: 1, attempt: 2, dueAt: after(60_000), readyAt: after(70_000), headers: {} },
  ])
})

it('lists each call of a handler, with its payload and its error', async () => {
  const { mq, clock, delivered } = await testDueque({ now })
  const failure = new Error('asleep')
  await mq.consume(
    'reminders',
    [
      on(reminder, ({ attempt }) => {
        if (attempt === 1) throw failure
      }),
    ],
    { retry: { backoff: '1s' } },
  )
  await mq.consume('invoices', [on(invoice, () => undefined)])
  await mq.schedule(reminder, { patient: 'p-7' }, { to: { queue: 'reminders' }, in: '1m', id: 'r' })
  await mq.schedule(invoice, 5, { to: { queue: 'invoices' }, in: '2m' })
  await clock.advance('2m')
  const payload = { patient: 'p-7', room: 'waiting room' }
  const first = { queue: 'reminders', name: 'reminder', id: 'r', payload, attempt: 1, dueAt: after(60_000) }
  expect(delivered()).toMatchObject([
    { ...first, at: after(60_000), error: failure },
    { ...first, at: after(61_000), attempt: 2, error: undefined },
    { queue: 'invoices', payload: 5 },
  ])
  expect(delivered('invoices')).toHaveLength(1)
})

it('lists dead messages by queue, with the reason', async () => {
  const { mq, clock, dead } = await testDueque({ now })
  const refuses = on(invoice, ({ payload, deadLetter }) => {
    if (payload === 1) return deadLetter('paid')
    throw new Error('no printer')
  })
  await mq.consume('invoices', [refuses])
  await mq.consume('reminders', [onAny(() => undefined)])
  for (const n of [1, 2]) await mq.schedule(invoice, n, { to: { queue: 'invoices' }, in: n * 1000 })
  await mq.schedule(reminder, { patient: 'p-7' }, { to: { queue: 'invoices' }, in: '3s', headers: { tenant: 'x' } })
  await mq.schedule(reminder, { patient: 'p-8' }, { to: { queue: 'reminders' }, in: '3s' })
  await clock.advance('5s')
  expect(dead('reminders')).toEqual([])
  expect(dead()).toEqual(dead('invoices'))
  expect(dead('invoices')).toMatchObject([
    { queue: 'invoices', name: 'invoice', payload: 1, reason: 'dead-lettered', error: 'paid', deadAt: after(1000) },
    { payload: 2, reason: 'handler-error', error: 'no printer', attempt: 1, dueAt: after(2000) },
    { payload: { patient: 'p-7' }, reason: 'unknown-message', headers: { tenant: 'x' } },
  ])
})

it('lists messages in a queue without a consumer, and parked messages', async () => {
  const { mq, clock, broker, queued, dead, parked, waiting } = await testDueque({ now, queues: ['q'] })
  broker.declareExchange('clinic', 'topic')
  broker.bind('q', 'clinic', 'reminder.*')
  for (const routingKey of ['reminder.west', 'nobody'])
    await mq.schedule(invoice, 7, { to: { exchange: 'clinic', routingKey }, in: '1h' })
  await clock.advance('1h')
  expect(queued()).toMatchObject([{ queue: 'q', name: 'invoice', payload: 7, dueAt: after(3_600_000) }])
  expect(queued('q')).toEqual(queued())
  expect(parked()).toMatchObject([{ payload: 7, to: { exchange: 'clinic', routingKey: 'nobody' } }])
  expect([waiting(), dead()]).toEqual([[], []])
})

it('does not treat a wrong queue name as an empty queue', async () => {
  const { queued, dead, delivered } = await testDueque({ queues: ['reminders'] })
  for (const look of [queued, dead, delivered]) {
    expect(look('reminders')).toEqual([])
    expect(thrown(() => look('remindres')).code).toBe('DESTINATION_MISSING')
  }
})

it('refuses an undeclared queue, as RabbitMQ does', async () => {
  const { mq, waiting } = await testDueque()
  const to = { queue: 'q' }
  expect((await rejection(mq.schedule(invoice, 1, { to, in: 1 }))).code).toBe('DESTINATION_MISSING')
  await mq.schedule(invoice, 1, { to, in: 1, declare: true })
  await mq.schedule(invoice, 2, { to, in: 1 })
  expect(waiting()).toHaveLength(2)
})

it('keeps waiting messages when a connection closes, and delivers them to the next', async () => {
  const { connect, mq, clock, delivered } = await testDueque({ queues: ['q'] })
  const producer = await connect({ url: 'amqps://rabbit.example', name: 'producer' })
  await producer.schedule(invoice, 1, { to: { queue: 'q' }, in: '1d' })
  await producer.close()
  expect([producer.health().ok, mq.health().ok]).toEqual([false, true])
  const worker = await connect()
  await worker.consume('q', [on(invoice, () => undefined)])
  await clock.advance('1d')
  expect(delivered()).toHaveLength(1)
})

it('closes every connection, and forgets waiting messages', async () => {
  const world = await testDueque({ queues: ['q'] })
  const { connect, mq, waiting, clock, queued, close } = world
  const other = await connect()
  await mq.schedule(invoice, 1, { to: { queue: 'q' }, in: '1d' })
  await close()
  await world[Symbol.asyncDispose]()
  for (const closed of [mq, other])
    expect((await rejection(closed.schedule(invoice, 1, { to: { queue: 'q' }, in: 1 }))).code).toBe('CLOSED')
  await clock.advance('2d')
  expect([waiting(), queued()]).toEqual([[], []])
})

it('two test instances share nothing', async () => {
  const [one, other] = [await testDueque({ queues: ['q'] }), await testDueque({ queues: ['q'] })]
  await one.mq.schedule(invoice, 1, { to: { queue: 'q' }, in: '1d' })
  await one.clock.advance('2d')
  expect([one.queued('q').length, other.queued('q').length, other.scheduled().length]).toEqual([1, 0, 0])
  expect(other.clock.now()).toBeLessThan(one.clock.now())
})
