import type { Copies } from './copies/copies.js'
import type { ConsumerEnvironment } from './environment.js'
import type { Handling } from './handling.js'

export interface DispatchSettings {
  queue: string
  /** Handlers at a time. */
  concurrency: number
  environment: ConsumerEnvironment
  handling: Handling
  copies: Copies
  /** Aborted when handlers have no more time. */
  aborted: AbortSignal
  /** A message came early by so much, with so many held. */
  onEarly: (earlyMs: number, held: number) => void
  /** Handlers that start in a second at most. @default no limit */
  ratePerSecond: number | undefined
  /** A handler took so long. */
  onHandlerTime: ((ms: number) => void) | undefined
}
