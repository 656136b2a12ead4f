import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  manualClock,
  memory,
  on,
  type ConsumeOptions,
  type Strategy,
} from '../../../src/index.js'

const START = Date.UTC(2026, 0, 1)
const order = defineMessage('order', z.number())
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

/** A world in which every message is in its queue at once, whatever its delay. */
async function world(leadMs: number, options: ConsumeOptions = {}) {
  const clock = manualClock(START)
  const { broker, ...rest } = memory({ clock })
  const strategy: Strategy & { clock: typeof clock } = {
    ...rest,
    clock,
    broker,
    limits: { ...rest.limits, leadMs },
    schedule: (message, publish) => broker.deliver(message, publish),
  }
  const warnings: string[] = []
  const none = () => undefined
  const warn = (text: string) => warnings.push(text)
  const mq = await connect({ strategy, logger: { debug: none, info: none, warn, error: none } })
  onTestFinished(() => mq.close())
  const calls: { payload: number; at: number; arrivedAt: number }[] = []
  const handler = on(order, ({ payload, arrivedAt }) => {
    calls.push({ payload, at: clock.now() - START, arrivedAt: arrivedAt.getTime() - START })
  })
  const consumer = await mq.consume('orders', [handler], options)
  const schedule = (payload: number, delayMs: number) =>
    mq.schedule(order, payload, { to: { queue: 'orders' }, in: delayMs })
  const advance = async (ms: number) => {
    clock.advance(ms)
    await settled()
  }
  const set = async (ms: number) => {
    clock.set(new Date(START + ms))
    await settled()
  }
  return { broker, mq, consumer, strategy, clock, schedule, advance, set, calls, warnings }
}

it('an early message is held until it is due', async () => {
  const { consumer, schedule, advance, calls, warnings } = await world(1000)
  for (const [n, delay] of [900, 300, 600].entries()) await schedule(n, delay)
  expect(consumer.stats()).toMatchObject({ held: 3, handled: 0 })
  await advance(299)
  expect(calls).toEqual([])
  await advance(1)
  await advance(300)
  await advance(300)
  expect(calls).toEqual([
    { payload: 1, at: 300, arrivedAt: 300 },
    { payload: 2, at: 600, arrivedAt: 600 },
    { payload: 0, at: 900, arrivedAt: 900 },
  ])
  expect(warnings).toEqual([])
})

it('held messages return to the broker when the consumer closes', async () => {
  const { broker, consumer, schedule, calls } = await world(1000)
  for (const n of [0, 1, 2]) await schedule(n, 900)
  await consumer.close()
  expect(broker.messages('orders')).toHaveLength(3)
  expect(calls).toEqual([])
})

it('warns once a minute that the prefetch is too small for the lead', async () => {
  const { schedule, advance, warnings } = await world(1000, { prefetch: 3 })
  const tell = expect.stringContaining('raise prefetch') as unknown
  for (const n of [0, 1]) await schedule(n, 900)
  expect(warnings).toEqual([])
  for (const n of [2, 3, 4, 5]) await schedule(n, 900)
  expect(warnings).toEqual([tell])
  await advance(60_000)
  for (const n of [6, 7, 8, 9]) await schedule(n, 900)
  expect(warnings).toEqual([tell, tell])
})

it('warns once a minute that messages arrive earlier than the lead explains', async () => {
  const { schedule, warnings } = await world(25)
  await schedule(0, 1025)
  expect(warnings).toEqual([])
  await schedule(1, 1026)
  await schedule(2, 1027)
  expect(warnings).toEqual([expect.stringContaining('the clocks differ')])
})

it('messages are handled when due by the wall clock, also after it was set forward or back', async () => {
  const { consumer, schedule, advance, set, calls, warnings } = await world(1000)
  for (const [n, delay] of [500, 900].entries()) await schedule(n, delay)
  await set(600)
  expect(calls).toMatchObject([{ payload: 0, at: 600 }])
  await set(-20_000)
  await advance(20_899)
  expect([calls.length, consumer.stats().held]).toEqual([1, 1])
  await advance(1)
  expect(calls).toMatchObject([{ payload: 0 }, { payload: 1, at: 900 }])
  expect(warnings).toEqual([expect.stringContaining('set back')])
})

it('when the wall clock is set back by an hour, held messages do not occupy the prefetch for an hour', async () => {
  const { consumer, strategy, schedule, set } = await world(1000)
  await schedule(1, 900)
  const waiting: number[] = []
  strategy.schedule = (message) => Promise.resolve(void waiting.push(message.dueAt - START))
  await set(-3_600_000)
  expect([waiting, consumer.stats().held]).toEqual([[900], 0])
})

it('the time-out of a handler and the memory of settled keys do not depend on the wall clock', async () => {
  const { mq, clock, advance, set } = await world(0)
  const seen: string[] = []
  const handler = on(order, async ({ payload, signal, attempt }) => {
    seen.push(`${payload}, attempt ${attempt}`)
    if (payload === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    if (payload === 1) seen.push(`aborted after ${clock.monotonic() - START}`)
  })
  await mq.consume('slow', [handler], { handlerTimeoutMs: 1000, duplicates: { windowMs: 60_000 } })
  const to = { queue: 'slow' }
  await mq.schedule(order, 1, { to, in: 0 })
  const receipt = await mq.schedule(order, 2, { to, in: 0 })
  await settled()
  await set(-3_600_000)
  await advance(999)
  await set(3_600_000)
  expect(seen).toEqual(['1, attempt 1', '2, attempt 1'])
  await advance(1)
  await mq.schedule(order, 2, { to, at: receipt.dueAt, repeat: receipt })
  await settled()
  expect(seen).toEqual(['1, attempt 1', '2, attempt 1', 'aborted after 1000'])
  await set(0)
  await advance(60_000)
  await mq.schedule(order, 2, { to, at: receipt.dueAt, repeat: receipt })
  await settled()
  expect(seen.at(-1)).toBe('2, attempt 1')
})
