import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage, on, type Handler, type Telemetry } from '../../../src/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { rejection, thrown } from '../thrown.js'
import { START, order, to, world } from './world.js'

it('starts at the given time, or now', async () => {
  expect((await testDueque({ now: '2026-01-01T01:00:00+01:00' })).clock.now()).toBe(START)
  expect((await testDueque({ now: { epochMilliseconds: 5 } })).clock.now()).toBe(5)
  const before = Date.now()
  expect((await testDueque()).clock.now()).toBeGreaterThanOrEqual(before)
  expect((await rejection(testDueque({ now: 'today' }))).code).toBe('INVALID_DUE')
})

it('delivers nothing before it is moved; a move delivers the messages that become due in it, each at its instant', async () => {
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

it('sets the wall clock alone, and delivers messages that are due by it', async () => {
  const times: number[] = []
  const { schedule, clock, log } = await world(undefined, {}, { setSystemTime: (time) => times.push(time - START) })
  const monotonic = clock.monotonic()
  for (const [n, delay] of ['1h', '2h', '3h'].entries()) await schedule(n, delay)
  await clock.set(new Date(START - 3_600_000))
  await clock.advance('2h')
  expect(log).toEqual(['0@3600000'])
  await clock.set({ epochMilliseconds: START + 8_000_000 })
  expect(log).toEqual(['0@3600000', '1@8000000'])
  expect(clock.monotonic() - monotonic).toBe(7_200_000)
  expect(times).toEqual([0, -3_600_000, 3_600_000, 8_000_000])
  expect((await rejection(clock.set('soon'))).code).toBe('INVALID_DUE')
})

it('refuses to go back, and refuses an invalid time', async () => {
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

it('also waits for messages that wait for a free handler', async () => {
  const { schedule, clock, log } = await world(() => sleep(2), { concurrency: 2, prefetch: 3 })
  for (const n of [1, 2, 3, 4, 5, 6, 7]) await schedule(n, 5)
  await schedule(8, 6)
  await clock.advance(6)
  expect(log).toEqual([...[1, 2, 3, 4, 5, 6, 7].map((n) => `${n}@5`), '8@6'])
})

it('a failed attempt is retried in the same move, at the instant of its retry', async () => {
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

it('a handler asks for a retry at another time, and gets it', async () => {
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
  ['waits for', async (schedule: () => Promise<unknown>) => await schedule()],
  ['does not wait for', (schedule: () => Promise<unknown>) => void schedule()],
])('a message that a handler schedules and %s is delivered in the same move, if it is due in it', async (_, how) => {
  const { schedule, clock, log } = await world(({ payload }) => how(() => schedule(payload + 1, '1h')))
  await schedule(1, '1h')
  await clock.advance('3h')
  expect(log).toEqual(['1@3600000', '2@7200000', '3@10800000'])
})

it('a message that a handler schedules for now is delivered now', async () => {
  const { schedule, clock, log } = await world(async ({ payload }) => {
    if (payload < 3) await schedule(payload + 1, 0)
  })
  await schedule(1, 10)
  await schedule(9, 11)
  await clock.advance(11)
  expect(log).toEqual(['1@10', '2@10', '3@10', '9@11'])
})

it('first waits for pending work that the test did not await: a schedule, a handler', async () => {
  const { schedule, clock, log, note } = await world(async ({ payload }) => {
    await sleep(20)
    note(`end ${payload}`)
  })
  void schedule(1, 0)
  void schedule(2, 1000)
  await clock.advance(1000)
  expect(log).toEqual(['1@0', 'end 1@0', '2@1000', 'end 2@1000'])
})

it('waits for an asynchronous schema', async () => {
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

it('waits for a scheduleAll that is not awaited', async () => {
  const slow = defineMessage(
    'slow',
    z.number().refine(() => sleep(20, true)),
  )
  const { mq, clock, log, note } = await world()
  await mq.consume('slow', [on(slow, ({ payload }) => note(`slow ${payload}`))])
  const items = [1, 2].map((payload) => ({
    message: slow,
    payload,
    options: { to: { queue: 'slow' }, in: `${payload}h` },
  }))
  void mq.scheduleAll(items).then(({ scheduled }) => note(`scheduled ${scheduled}`))
  await clock.advance('3h')
  expect(log).toEqual(['scheduled 2@0', 'slow 1@3600000', 'slow 2@7200000'])
})

it('telemetry hooks of a connection run as in production', async () => {
  const { connect, clock, mq } = await testDueque({ now: new Date(START), queues: ['orders'] })
  const log: string[] = []
  const telemetry: Telemetry = {
    schedule: (_, headers, run) => {
      headers['traceparent'] = '00-1'
      return run()
    },
    process: ({ delivery }, run) => {
      log.push(`process ${delivery.headers['traceparent'] as string}`)
      return run()
    },
    consuming: ({ queue }) => log.push(`consuming ${queue}`),
    events: { handled: ({ name }) => log.push(`handled ${name}`) },
  }
  const other = await connect({ telemetry })
  await other.consume('orders', [on(order, () => sleep(5))])
  void other.schedule(order, 1, { to, in: '1h' })
  await clock.advance('1h')
  expect(log).toEqual(['consuming orders', 'process 00-1', 'handled order'])
  expect((await rejection(connect({ telemetry: { schedule: 5 } as never }))).code).toBe('INVALID_OPTION')
  await mq.close()
})

it('advance(0) waits for running handlers', async () => {
  const { schedule, clock, delivered } = await world(() => sleep(20))
  await schedule(1, 0)
  await clock.advance(0)
  expect(delivered()).toHaveLength(1)
  expect(clock.now()).toBe(START)
})

it('two concurrent moves run one after the other', async () => {
  const { schedule, clock, log } = await world(() => sleep(5))
  for (const n of [1, 2, 3]) await schedule(n, `${n}h`)
  await Promise.all([clock.advance('1h'), clock.advance('1h'), clock.advanceTo(new Date(START + 3 * 3_600_000))])
  expect(log).toEqual(['1@3600000', '2@7200000', '3@10800000'])
})

it('calls that dueque refuses are refused here too', async () => {
  const { mq } = await testDueque()
  for (const handlers of [[], undefined, {}])
    expect((await rejection(mq.consume('q', handlers as Handler[]))).code).toBe('INVALID_OPTION')
  for (const patienceMs of [-1, NaN, '1s'] as number[])
    expect((await rejection(testDueque({ patienceMs }))).code).toBe('INVALID_OPTION')
  expect((await rejection(testDueque({ queues: ['dq~q'] }))).code).toBe('RESERVED_NAME')
  expect(thrown(() => mq.strategy.broker.bind('q', 'e')).code).toBe('DESTINATION_MISSING')
})
