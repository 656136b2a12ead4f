import { AmqpBroker } from '../amqp/amqp-broker.js'
import { Layout } from '../amqp/topology/layout.js'
import type { Topology } from '../amqp/topology/topology.js'
import { isDuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Arrival, Broker, Subscription } from '../broker.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { MemoryBroker } from '../strategies/memory/memory-broker.js'
import { tickParts, tickQueue } from './recurring-layout.js'

export interface TickSubscription extends Subscription {
  /** Whether the broker delivers to it. */
  readonly live: boolean
}

/** The queue of ticks of a namespace, at a broker. */
export interface TickBroker {
  readonly queue: string
  /** Declares the queue. */
  declare(): Promise<void>
  /**
   * Consumes the queue, and goes on over reconnects. Declares nothing before it has been there.
   *
   * @param started called behind each start
   * @throws DuequeError `DESTINATION_MISSING` without the queue, `PERMISSION_DENIED` without the right to read it
   */
  subscribe(prefetch: number, listener: (arrival: Arrival) => void, started: () => void): Promise<TickSubscription>
  /** Publishes into the queue. Missing where the queue cannot lose anything. */
  publish?(message: DelayedMessage, signal: AbortSignal): Promise<void>
}

/** Undefined for a broker that a strategy of another package brings along. */
export function tickBroker(broker: Broker, prefix: string, logger: Logger): TickBroker | undefined {
  const queue = tickQueue({ prefix })
  if (broker instanceof AmqpBroker) return onRabbit(broker, queue, logger)
  return broker instanceof MemoryBroker ? inMemory(broker, queue) : undefined
}

function onRabbit(broker: AmqpBroker, queue: string, logger: Logger): TickBroker {
  const parts = tickParts(new Layout(broker.names, broker.topology.queueType))
  const declare = (topology: Topology) => topology.ensure('ticks', parts, { again: true })
  return {
    queue,
    declare: () => declare(broker.topology),
    async subscribe(prefetch, listener, started) {
      let isThere = false
      // A queue that was deleted is declared anew. One that is there needs no right to configure it.
      const prepare = async (topology: Topology) => {
        if (isThere) await declare(topology).catch(unlessDenied)
      }
      const first = () => {
        isThere = true
        started()
      }
      const warn: Logger['warn'] = (...said) => (isThere ? logger.warn(...said) : logger.debug(...said))
      const quiet = { ...logger, warn }
      return broker.take({ queue, prefetch, prepare, started: first, logger: quiet }, listener)
    },
    publish: (message, signal) => broker.deliver(message, { declare: false, bind: false, signal }),
  }
}

function unlessDenied(error: unknown): void {
  if (!isDuequeError(error, 'PERMISSION_DENIED')) throw error
}

function inMemory(broker: MemoryBroker, queue: string): TickBroker {
  return {
    queue,
    declare: () => Promise.resolve(broker.declareQueue(queue)),
    subscribe: (prefetch, listener, started) => {
      const subscription = broker.watch(queue, prefetch, listener)
      started()
      return Promise.resolve({ ...subscription, live: true })
    },
  }
}
