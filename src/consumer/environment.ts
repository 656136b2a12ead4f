import type { Broker } from '../broker.js'
import type { Clock } from '../base/clock.js'
import type { Events } from '../events.js'
import type { Logger } from '../base/logger.js'
import type { Strategy } from '../strategies/strategy.js'
import type { SharedDuplicates } from './duplicates.js'

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
  /** Whether it is the first time. */
  onClosed: () => boolean
  duplicates: SharedDuplicates
}
