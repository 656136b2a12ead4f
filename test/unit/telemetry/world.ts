import { onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineMessage,
  memory,
  on,
  type ConnectOptions,
  type Delivery,
  type MemoryStrategy,
} from '../../../src/index.js'

export const order = defineMessage('order', z.number())
export const to = { queue: 'orders' }
export const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 5))

export function logger() {
  const none = () => undefined
  return { debug: none, info: none, warn: none, error: vi.fn() }
}

/** A consumer of orders on a connection with the telemetry. */
export async function world(
  telemetry: ConnectOptions['telemetry'],
  handle: (delivery: Delivery<number>) => unknown = () => undefined,
  options: ConnectOptions<MemoryStrategy> = {},
) {
  const log = logger()
  const strategy = memory()
  const mq = await connect<MemoryStrategy>({ strategy, logger: log, telemetry, ...options })
  onTestFinished(() => mq.close({ drainTimeoutMs: 0 }))
  const deliveries: Delivery<number>[] = []
  const handler = on(order, (delivery) => {
    deliveries.push(delivery)
    return handle(delivery)
  })
  const consumer = await mq.consume('orders', [handler], { handlerTimeoutMs: 60_000 })
  return { mq, consumer, deliveries, log }
}
