import { checkOptions, flag, type Rules } from '../../base/checks.js'
import { invalidOption } from '../../base/errors.js'
import type { Cancellations } from '../../strategies/cancellations.js'
import type { Strategy } from '../../strategies/strategy.js'

/** Options of `scheduleAll`. */
export interface BulkOptions {
  /**
   * Joins messages to one queue that fall due at about the same time, up to 64 of them, into one message of RabbitMQ. Their
   * consumer has to take batches: `consume(queue, handlers, { batches: true })`. Worth it for many messages with one due time, one
   * delay, or dense due times; it changes nothing else about them.
   *
   * A message goes on its own if it has nothing to travel with, if its body or its headers are large (8 KiB together), if it is
   * due within a second, if it has a `signal`, or if it goes to an exchange or an outlet. `declare: true` is refused: consumers
   * declare the queue of batches.
   * @default false
   */
  batch?: boolean | undefined
}

/** Messages in a store are looked up one by one. */
interface NoBulkOptions {
  batch?: undefined
}

/** The options of `scheduleAll`, by the facets of a strategy. */
export type StrategyBulkOptions<S> = S extends { readonly cancellations: Cancellations } ? BulkOptions : NoBulkOptions

const RULES: Rules<BulkOptions> = { batch: flag }

/**
 * Whether messages are to travel in batches.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function wantsBatches(options: unknown, { name, cancellations }: Strategy): boolean {
  if (options === undefined) return false
  checkOptions(options, RULES)
  const { batch = false } = options as BulkOptions
  if (batch && !cancellations) {
    const expected = `false with ${name}, which looks up each waiting message by itself; ladder and plugin have batches`
    throw invalidOption('batch', expected, batch)
  }
  return batch
}
