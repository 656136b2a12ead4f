import type { Broker, PublishOptions } from '../broker.js'
import type { Clock } from '../clock.js'
import type { DelayedMessage } from '../envelope.js'
import type { Logger } from '../logger.js'

/**
 * A way for messages to wait. A strategy is an object literal that a function returns; it sees checked, plain values only
 * and decides nothing about payloads, options or handlers.
 */
export interface Strategy {
  readonly name: string
  readonly limits: Limits
  /** Only for a strategy that brings its own place for due messages: `memory`. All others end in RabbitMQ. */
  readonly broker?: Broker
  /** Called once, before anything is scheduled. */
  start(environment: Environment): Promise<void>
  /**
   * Makes a message wait until `message.dueAt`, or until `message.retryAt` if that is later, or deliver it at once if both
   * are past. Resolves when it waits as safely as the strategy can make it; rejects with an error whose `outcome` says
   * whether it may wait all the same.
   */
  schedule(message: DelayedMessage, options: PublishOptions): Promise<void>
  /** Idempotent. What waits goes on waiting, memory aside. */
  stop(): Promise<void>
}

/** In what strategies differ, in numbers. */
export interface Limits {
  /** The longest wait. */
  readonly maxDelayMs: number
  /** The step in which delays are rounded up, at the least. */
  readonly resolutionMs: number
  /** Messages to one queue whose due times are further apart than this arrive in due order, on an idle machine. */
  readonly orderMs: number
  /** How much earlier than due a message may be in its queue. Consumers hold it until then. */
  readonly leadMs: number
}

export interface Environment {
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
}
