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

/** A world in which every message is in its queue at once, however long its delay. */
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
  return { broker, consumer, schedule, advance, calls, warnings }
}

it('what comes early is held until the instant it is due', async () => {
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

it('what is held goes back to the broker when the consumer closes', async () => {
  const { broker, consumer, schedule, calls } = await world(1000)
  for (const n of [0, 1, 2]) await schedule(n, 900)
  await consumer.close()
  expect(broker.messages('orders')).toHaveLength(3)
  expect(calls).toEqual([])
})

it('says once a minute that a prefetch is too small for the lead', async () => {
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

it('says once a minute that messages come earlier than the lead explains', async () => {
  const { schedule, warnings } = await world(25)
  await schedule(0, 1025)
  expect(warnings).toEqual([])
  await schedule(1, 1026)
  await schedule(2, 1027)
  expect(warnings).toEqual([expect.stringContaining('the clocks differ')])
})
