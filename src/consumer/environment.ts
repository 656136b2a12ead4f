import type { Broker } from '../broker.js'
import type { Clock } from '../clock.js'
import type { Events } from '../events.js'
import type { Logger } from '../logger.js'
import type { Strategy } from '../strategies/strategy.js'
import type { Duplicates, DuplicateWindow } from './duplicates.js'

/** What a consumer has of its connection. */
export interface ConsumerEnvironment {
  broker: Broker
  strategy: Strategy
  clock: Clock
  logger: Logger
  onError: (error: unknown) => void
  events: Events
  onClosed: () => void
  /** One for all consumers of the queue with the same window. */
  duplicates: (window: DuplicateWindow) => Duplicates
}
