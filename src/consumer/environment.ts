import type { Broker } from '../broker.js'
import type { Clock } from '../base/clock.js'
import type { Gate } from '../cancellation/gate.js'
import type { Events } from '../events.js'
import type { Logger } from '../base/logger.js'
import type { Envelope } from '../message/envelope.js'
import type { Strategy } from '../strategies/strategy.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import type { SharedDuplicates } from './copies/shared-duplicates.js'

/** What a consumer has of its connection. */
export interface ConsumerEnvironment {
  /** The connection itself, to know its handlers by. */
  connection: object
  broker: Broker
  strategy: Strategy
  clock: Clock
  logger: Logger
  onError: (error: unknown) => void
  events: Events
  /** Returns whether it is called for the first time. */
  onClosed: () => boolean
  duplicates: SharedDuplicates
  hooks?: TelemetryHooks | undefined
  /** @default always open */
  gate?: Gate | undefined
  /** Awaited before the consumer subscribes. @default nothing */
  ready?: (() => Promise<void>) | undefined
  /**
   * Asked before a handler starts, and before a message is published again for a retry or because it came too early.
   * A cancelled message is dropped. Must not throw. @default nothing is cancelled
   */
  isCancelled?: ((envelope: Envelope) => boolean) | undefined
}
