import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { defineMessage, on, type ConsumeOptions, type Handler } from '../../../src/index.js'
import { testDueque, type TestDuequeOptions } from '../../../src/testing/index.js'
import { rejection, thrown } from '../thrown.js'

const START = Date.UTC(2026, 0, 1)
const now = new Date(START)
const order = defineMessage('order', z.number())
const to = { queue: 'orders' }

/** A consumer of orders, and a log of what its handler did: `<payload>@<milliseconds since the start>`. */
async function world(
  handle: (delivery: Parameters<Parameters<typeof on<number, number>>[1]>[0]) => unknown = () => undefined,
  consume: ConsumeOptions = {},
  options: TestDuequeOptions = {},
) {
  const test = await testDueque({ now, ...options })
  const log: string[] = []
  const note = (text: string | number) => log.push(`${text}@${test.clock.now() - START}`)
  const handler: Handler = on(order, (delivery) => {
    note(delivery.payload)
    return handle(delivery)
  })
  const consumer = await test.mq.consume('orders', [handler], consume)
  const schedule = (payload: number, delay: number | string) => test.mq.schedule(order, payload, { to, in: delay })
  return { ...test, consumer, schedule, log, note }
}

afterEach(() => {
  vi.useRealTimers()
})

it('starts at the time that it is given, or now', async () => {
  expect((await testDueque({ now: '2026-01-01T01:00:00+01:00' })).clock.now()).toBe(START)
  expect((await testDueque({ now: { epochMilliseconds: 5 } })).clock.now()).toBe(5)
  const before = Date.now()
  expect((await testDueque()).clock.now()).toBeGreaterThanOrEqual(before)
  expect((await rejection(testDueque({ now: 'today' }))).code).toBe('INVALID_DUE')
})

it('delivers nothing before it is moved, and in a move what falls due in it, each at its instant', async () => {
  const { schedule, clock, log, delivered } = await world()
  for (const [n, delay] of ['2h', '1h', '1h', 90_000, '3h'].entries()) await schedule(n, delay)
  await clock.advance(0)
  expect(log).toEqual([])
  await clock.advance('2h')
  expect(log).toEqual(['3@90000', '1@3600000', '2@3600000', '0@7200000'])
  expect(clock.now()).toBe(START + 7_200_000)
  expect(delivered().every(({ at, dueAt }) => at.getTime() === dueAt.getTime())).toBe(true)
})

it('is never early by a millisecond', async () => {
  const { schedule, clock, log } = await world()
  await schedule(1, 1000)
  await clock.advance(999)
  expect(log).toEqual([])
  await clock.advance(1)
  expect(log).toEqual(['1@1000'])
})

it('moves to an instant', async () => {
  const { schedule, clock, log } = await world()
  await schedule(1, '1h')
  await clock.advanceTo('2026-01-01T00:59:59.999Z')
  expect(log).toEqual([])
  await clock.advanceTo(new Date(START + 3_600_000))
  await clock.advanceTo(new Date(START + 3_600_000))
  expect(log).toEqual(['1@3600000'])
})

it('does not go back, and not by what is no time', async () => {
  const { clock } = await world()
  for (const move of [clock.advance(-1), clock.advance('soon'), clock.advanceTo(new Date(START - 1))])
    expect((await rejection(move)).code).toBe('INVALID_DUE')
  expect(clock.now()).toBe(START)
})

it('waits at each instant for the handlers to end, also outside of the process, before it moves on', async () => {
  const { schedule, clock, log, note } = await world(async ({ payload }) => {
    await sleep(30)
    note(`end ${payload}`)
  })
  for (const n of [1, 2, 3]) await schedule(n, n)
  await clock.advance(3)
  expect(log).toEqual(['1@1', 'end 1@1', '2@2', 'end 2@2', '3@3', 'end 3@3'])
})

it('waits for those too that wait for a free handler', async () => {
  const { schedule, clock, log } = await world(() => sleep(2), { concurrency: 2, prefetch: 3 })
  for (const n of [1, 2, 3, 4, 5, 6, 7]) await schedule(n, 5)
  await schedule(8, 6)
  await clock.advance(6)
  expect(log).toEqual([...[1, 2, 3, 4, 5, 6, 7].map((n) => `${n}@5`), '8@6'])
})

it('a failed attempt comes again in the same move, at the instant of its retry', async () => {
  const retry = { attempts: 4, backoff: ['10s', '1m', '1h'] }
  const fails = () => Promise.reject(new Error('not yet'))
  const { schedule, clock, log, dead, consumer } = await world(fails, { retry })
  await schedule(1, '1h')
  await schedule(2, 3_630_000)
  await clock.advance('1d')
  const [first, second] = [3_600_000, 3_630_000]
  const attempts = (n: number, at: number) => [0, 10_000, 70_000, 3_670_000].map((wait) => `${n}@${at + wait}`)
  expect(log.toSorted()).toEqual([...attempts(1, first), ...attempts(2, second)].toSorted())
  expect(log.map((entry) => Number(entry.split('@')[1]))).toEqual(
    log.map((entry) => Number(entry.split('@')[1])).toSorted((a, b) => a - b),
  )
  expect(dead('orders')).toMatchObject([
    { payload: 1, attempt: 4, reason: 'handler-error', deadAt: new Date(START + first + 3_670_000) },
    { payload: 2, attempt: 4 },
  ])
  expect(consumer.stats()).toMatchObject({ running: 0, dead: 2, retried: 6 })
})

it('a handler decides for another time, and gets it', async () => {
  const { schedule, clock, log } = await world(({ attempt, retry }) => {
    if (attempt === 1) retry({ in: '8h' })
  })
  await schedule(1, '1h')
  await clock.advance('8h')
  expect(log).toEqual(['1@3600000'])
  await clock.advance('1h')
  expect(log).toEqual(['1@3600000', `1@${9 * 3_600_000}`])
})

it.each([
  ['waits for', async (schedule: () => Promise<unknown>) => void (await schedule())],
  ['does not wait for', (schedule: () => Promise<unknown>) => void schedule()],
])('what a handler schedules and %s is delivered in the same move, if it falls due in it', async (_, how) => {
  const { schedule, clock, log } = await world(({ payload }) => how(() => schedule(payload + 1, '1h')))
  await schedule(1, '1h')
  await clock.advance('3h')
  expect(log).toEqual(['1@3600000', '2@7200000', '3@10800000'])
})

it('what a handler schedules for now is delivered now', async () => {
  const { schedule, clock, log } = await world(async ({ payload }) => {
    if (payload < 3) await schedule(payload + 1, 0)
  })
  await schedule(1, 10)
  await schedule(9, 11)
  await clock.advance(11)
  expect(log).toEqual(['1@10', '2@10', '3@10', '9@11'])
})

it('first waits for what was not waited for: a schedule, a handler', async () => {
  const { schedule, clock, log, note } = await world(async ({ payload }) => {
    await sleep(20)
    note(`end ${payload}`)
  })
  void schedule(1, 0)
  void schedule(2, 1000)
  await clock.advance(1000)
  expect(log).toEqual(['1@0', 'end 1@0', '2@1000', 'end 2@1000'])
})

it('waits for a schema that answers later', async () => {
  const slow = defineMessage(
    'slow',
    z.number().refine(() => sleep(20, true)),
  )
  const { mq, clock, log, note } = await world()
  await mq.consume('slow', [on(slow, () => note('slow'))])
  void mq.schedule(slow, 1, { to: { queue: 'slow' }, in: '1h' })
  void mq.schedule(order, 1, { to, in: 3_600_001 })
  await clock.advance('2h')
  expect(log).toEqual(['slow@3600000', '1@3600001'])
})

it('advance(0) waits for what runs', async () => {
  const { schedule, clock, delivered } = await world(() => sleep(20))
  await schedule(1, 0)
  await clock.advance(0)
  expect(delivered()).toHaveLength(1)
  expect(clock.now()).toBe(START)
})

it('two moves at once go one after the other', async () => {
  const { schedule, clock, log } = await world(() => sleep(5))
  for (const n of [1, 2, 3]) await schedule(n, `${n}h`)
  await Promise.all([clock.advance('1h'), clock.advance('1h'), clock.advanceTo(new Date(START + 3 * 3_600_000))])
  expect(log).toEqual(['1@3600000', '2@7200000', '3@10800000'])
})

it('a handler that does not end fails the move, by name, and the time stays', async () => {
  const never = () => new Promise(() => undefined)
  const { schedule, mq, clock, log } = await world(never, {}, { patienceMs: 50 })
  await mq.schedule(order, 1, { to, in: '1h', id: 'order-17' })
  await schedule(2, '2h')
  const error = await rejection(clock.advance('3h'))
  expect(error).toMatchObject({
    code: 'CLOCK_STUCK',
    message: expect.stringContaining('handler of order (id order-17, attempt 1) in orders') as unknown,
    data: { handlers: [{ queue: 'orders', name: 'order', id: 'order-17', attempt: 1 }] },
  })
  expect(error.message).toContain('patienceMs')
  expect([clock.now() - START, log]).toEqual([3_600_000, ['1@3600000']])
})

it('is patient as long as something ends or begins', async () => {
  const { schedule, clock, log } = await world(() => sleep(40), { concurrency: 1 }, { patienceMs: 150 })
  for (let n = 0; n < 10; n++) await schedule(n, 1)
  await clock.advance(1)
  expect(log).toHaveLength(10)
})

it('goes on after a move that failed, when the handler has ended', async () => {
  let end: (() => void) | undefined
  const waits = ({ payload }: { payload: number }) =>
    payload === 1 ? new Promise<void>((resolve) => (end = resolve)) : undefined
  const { schedule, clock, log } = await world(waits, {}, { patienceMs: 20 })
  for (const n of [1, 2]) await schedule(n, n)
  expect((await rejection(clock.advance(2))).code).toBe('CLOCK_STUCK')
  end!()
  await clock.advance(1)
  expect(log).toEqual(['1@1', '2@2'])
})

it('a schedule that does not end fails the move', async () => {
  const never = defineMessage(
    'never',
    z.number().refine(() => new Promise<boolean>(() => undefined)),
  )
  const { mq, clock } = await world(undefined, {}, { patienceMs: 20 })
  void mq.schedule(never, 1, { to, in: 1 })
  const error = await rejection(clock.advance(1))
  expect([error.code, error.message]).toEqual(['CLOCK_STUCK', expect.stringContaining('schedules under way: 1')])
})

it('a handler that moves the clock fails at once, instead of waiting for itself', async () => {
  const { schedule, clock, dead } = await world(() => clock.advance('1s'))
  await schedule(1, 0)
  await schedule(2, '1h')
  await clock.advance('1h')
  const error = expect.stringContaining('cannot be moved by a handler') as unknown
  expect(dead()).toMatchObject([
    { payload: 1, error },
    { payload: 2, error },
  ])
})

it('the clock may be moved by what a handler has left running behind it', async () => {
  let moved: Promise<void> | undefined
  const { schedule, clock } = await world(() => {
    moved = sleep(5).then(() => clock.advance('1h'))
  })
  await schedule(1, 0)
  await clock.advance(0)
  await moved
  expect(clock.now()).toBe(START + 3_600_000)
})

it('a handler that waits for the clock lets it move, and goes on at its time', async () => {
  const { schedule, clock, log, note } = await world(async ({ payload }) => {
    if (payload > 1) return
    await new Promise<void>((resolve) => clock.at(clock.now() + 5000, resolve))
    await sleep(5)
    note(`end ${payload}`)
  })
  await schedule(1, 1000)
  await schedule(2, 2000)
  await schedule(3, 6001)
  await clock.advance(10_000)
  expect(log).toEqual(['1@1000', '2@2000', 'end 1@6000', '3@6001'])
})

it('a call that a handler has cancelled is not waited for', async () => {
  const { schedule, clock, log, note } = await world(async ({ payload }) => {
    const cancel = clock.at(clock.now() + 5000, () => note('never'))
    cancel()
    cancel()
    await sleep(10)
    note(`end ${payload}`)
  })
  for (const n of [1, 2]) await schedule(n, n)
  await clock.advance('1h')
  expect(log).toEqual(['1@1', 'end 1@1', '2@2', 'end 2@2'])
})

it('a handler that hangs is left to its time-out, by this clock', async () => {
  const hangs = ({ signal }: { signal: AbortSignal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const options = { handlerTimeoutMs: 30_000, retry: { attempts: 2, backoff: '1m' } }
  const { schedule, clock, log, dead, waiting, consumer } = await world(hangs, options, { patienceMs: 20 })
  await schedule(1, 0)
  await clock.advance(29_999)
  expect(consumer.stats().running).toBe(1)
  await clock.advance(1)
  expect(consumer.stats().running).toBe(0)
  expect(waiting()).toMatchObject([{ attempt: 2, readyAt: new Date(START + 90_000) }])
  await clock.advance('1h')
  expect(log).toEqual(['1@0', '1@90000'])
  expect(dead()).toMatchObject([{ reason: 'handler-timeout', deadAt: new Date(START + 120_000) }])
})

it('one with a time-out that only takes a while is waited for', async () => {
  const { schedule, clock, log, note } = await world(
    async ({ payload }) => {
      await sleep(30)
      note(`end ${payload}`)
    },
    { handlerTimeoutMs: 1000 },
  )
  for (const n of [1, 2]) await schedule(n, n)
  await clock.advance('1h')
  expect(log).toEqual(['1@1', 'end 1@1', '2@2', 'end 2@2'])
})

it('waits for others while one hangs, and once only for the one', async () => {
  const { schedule, clock, log } = await world(
    ({ payload }) => (payload === 0 ? new Promise(() => undefined) : sleep(5)),
    { handlerTimeoutMs: 3_600_000 },
    { patienceMs: 100 },
  )
  const before = performance.now()
  for (let n = 0; n <= 50; n++) await schedule(n, n)
  await clock.advance(50)
  expect(log).toEqual(Array.from({ length: 51 }, (_, n) => `${n}@${n}`))
  expect(performance.now() - before).toBeLessThan(3000)
})

it('one that goes on after its time-out fails the move', async () => {
  const never = () => new Promise(() => undefined)
  const { schedule, clock } = await world(never, { handlerTimeoutMs: 1000 }, { patienceMs: 20 })
  await schedule(1, 0)
  expect((await rejection(clock.advance('1h'))).code).toBe('CLOCK_STUCK')
  expect(clock.now()).toBe(START + 1000)
})

it('does not wait for a handler that its consumer has left behind, and delivers its message again', async () => {
  const never = () => new Promise(() => undefined)
  const { schedule, clock, mq, consumer, queued, log, note } = await world(never, {}, { patienceMs: 200 })
  await schedule(1, 0)
  await consumer.close({ drainTimeoutMs: 10 })
  await clock.advance('1h')
  expect(queued('orders')).toMatchObject([{ payload: 1, attempt: 1 }])
  await mq.consume('orders', [on(order, ({ payload }) => note(`again ${payload}`))])
  await clock.advance(0)
  expect(log).toEqual(['1@0', 'again 1@3600000'])
})

it('what is refused by dueque is refused here', async () => {
  const { mq } = await testDueque()
  for (const handlers of [[], undefined, {}])
    expect((await rejection(mq.consume('q', handlers as Handler[]))).code).toBe('INVALID_OPTION')
  for (const patienceMs of [-1, NaN, '1s'] as number[])
    expect((await rejection(testDueque({ patienceMs }))).code).toBe('INVALID_OPTION')
  expect(thrown(() => mq.strategy.broker.bind('q', 'e')).code).toBe('DESTINATION_MISSING')
})

it('tells the system of each instant, at first too', async () => {
  const times: number[] = []
  const setSystemTime = (time: number) => times.push(time - START)
  const { schedule, clock } = await world(undefined, {}, { setSystemTime })
  for (const delay of [1000, 1000, 2000, 9000]) await schedule(1, delay)
  await clock.advance(5000)
  expect(times).toEqual([0, 1000, 2000, 5000])
})

it('takes Date along, if it is told how', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { schedule, clock, log, note } = await world(
    () => note(`Date ${Date.now() - START}`),
    {},
    {
      setSystemTime: (time) => vi.setSystemTime(time),
    },
  )
  await schedule(1, '1h')
  await clock.advance('2h')
  expect(log).toEqual(['1@3600000', 'Date 3600000@3600000'])
  expect(new Date()).toEqual(new Date(START + 7_200_000))
})

it('goes on under fake timers, which do not stop it', async () => {
  vi.useFakeTimers({ now: 0 })
  const { schedule, clock, log, close } = await world(
    ({ attempt }) => {
      if (attempt === 1) throw new Error('not yet')
    },
    { retry: { backoff: '1m' } },
  )
  await schedule(1, '1h')
  await clock.advance('2h')
  expect(log).toEqual(['1@3600000', '1@3660000'])
  await close()
  expect(vi.getTimerCount()).toBe(0)
})
