import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineMessage, on } from '../../../src/index.js'
import { rejection } from '../thrown.js'
import { START, order, to, world } from './world.js'

it('a handler that does not end fails the move, which names it, and the time stays', async () => {
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

it('keeps waiting as long as something ends or begins', async () => {
  // All together take longer than the patience, each one far less: also on a busy machine.
  const { schedule, clock, log } = await world(() => sleep(150), { concurrency: 1 }, { patienceMs: 1000 })
  for (let n = 0; n < 10; n++) await schedule(n, 1)
  await clock.advance(1)
  expect(log).toHaveLength(10)
})

it('works again after a failed move, when the handler has ended', async () => {
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

it('work that a handler leaves running may move the clock', async () => {
  let moved: Promise<void> | undefined
  const { schedule, clock } = await world(() => {
    moved = sleep(5).then(() => clock.advance('1h'))
  })
  await schedule(1, 0)
  await clock.advance(0)
  await moved
  expect(clock.now()).toBe(START + 3_600_000)
})

it('a handler that waits for the clock lets it move, and continues at its time', async () => {
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

it('the clock does not wait for a call that a handler cancelled', async () => {
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

it('a handler that hangs ends by its time-out, by this clock', async () => {
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

it('the clock waits for a slow handler with a time-out', async () => {
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

it('waits for other handlers while one hangs, and only once for that one', async () => {
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

it('a handler that runs on after its time-out fails the move', async () => {
  const never = () => new Promise(() => undefined)
  const { schedule, clock } = await world(never, { handlerTimeoutMs: 1000 }, { patienceMs: 20 })
  await schedule(1, 0)
  expect((await rejection(clock.advance('1h'))).code).toBe('CLOCK_STUCK')
  expect(clock.now()).toBe(START + 1000)
})

it('does not wait for a handler that its consumer abandoned, and delivers its message again', async () => {
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
