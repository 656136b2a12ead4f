import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { resolveLogger } from '../../../src/base/logger.js'
import { RunningConsumer } from '../../../src/consumer/consumer.js'
import { SharedDuplicates } from '../../../src/consumer/copies/shared-duplicates.js'
import type { ConsumerEnvironment } from '../../../src/consumer/environment.js'
import { Events } from '../../../src/events.js'
import {
  defineMessage,
  manualClock,
  memory,
  on,
  type ConsumeOptions,
  type DelayedMessage,
  type Delivery,
  type Handler,
} from '../../../src/index.js'

export const START = Date.UTC(2026, 0, 1)
const order = defineMessage('order', z.number())

/** Long enough for everything that needs no timer. */
export const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

/** A consumer without `connect`, to pass it the parts that a connection gives to its consumers. */
export async function world(
  handle: (delivery: Delivery<number>) => unknown,
  more: Partial<ConsumerEnvironment> = {},
  options: ConsumeOptions = {},
  others: readonly Handler[] = [],
) {
  const clock = manualClock(START)
  const logger = resolveLogger(false)
  const strategy = memory({ clock })
  const { broker } = strategy
  await broker.open()
  const events = new Events(logger)
  await strategy.start({ broker, clock, logger, onError: () => undefined })
  onTestFinished(() => strategy.stop())
  const connection = {}
  const log: string[] = []
  const handler = on(order, (delivery) => {
    log.push(delivery.id)
    return handle(delivery)
  })
  const environment: ConsumerEnvironment = {
    connection,
    broker,
    strategy,
    clock,
    logger,
    events,
    onError: () => undefined,
    onClosed: () => true,
    duplicates: new SharedDuplicates(clock),
    ...more,
  }
  const consumer = await new RunningConsumer('orders', [handler, ...others], options, environment).start()
  onTestFinished(() => consumer.close({ drainTimeoutMs: 0 }))
  /** Delivers it now, early or not, as a broker does. */
  const arrive = async (id: string, message: Partial<DelayedMessage> = {}) => {
    await broker.deliver({ ...ORDER, id, dueAt: clock.now(), ...message }, { declare: true })
    await settled()
  }
  return { consumer, broker, strategy, clock, events, log, arrive }
}

const ORDER: Omit<DelayedMessage, 'id' | 'dueAt'> = {
  name: 'order',
  version: 1,
  body: Buffer.from('1'),
  destination: { queue: 'orders' },
  scheduledAt: START,
  expiresAt: undefined,
  revision: START * 1000,
  attempt: 1,
  headers: {},
  priority: undefined,
  correlationId: undefined,
  dedupeKey: undefined,
}
