import { defineMessage, on, type ConsumeOptions, type Delivery, type Handler } from '../../../src/index.js'
import { z } from 'zod'
import { testDueque, type TestDuequeOptions } from '../../../src/testing/index.js'

export const START = Date.UTC(2026, 0, 1)
const now = new Date(START)
export const order = defineMessage('order', z.number())
export const to = { queue: 'orders' }

/** A consumer of orders, and a log of its handler: `<payload>@<milliseconds since the start>`. */
export async function world(
  handle: (delivery: Delivery<number>) => unknown = () => undefined,
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
