import { throttle } from '../base/throttle.js'
import type { ConsumerEnvironment } from './environment.js'

/** Earlier than the lead by more than this is no matter of rounding. */
const SKEW_MS = 1000

/** Warns of early arrivals, once a minute each: of clocks that differ, and of a prefetch that held messages use up. */
export function earlyWarnings(queue: string, { strategy, clock, logger }: ConsumerEnvironment) {
  const { leadMs } = strategy.limits
  const isNews = throttle(clock)
  return (earlyMs: number, prefetch: number, held: number): void => {
    const about = { queue, earlyMs, leadMs, prefetch }
    if (earlyMs > leadMs + SKEW_MS && isNews('skew')) {
      logger.warn(
        "a message arrived earlier than the lead explains: the clocks differ, or its producer's lead is longer",
        about,
      )
    }
    if (held >= prefetch && isNews('prefetch')) {
      logger.warn(
        'all prefetched messages are held until they are due, and due ones wait in the queue: raise prefetch',
        about,
      )
    }
  }
}
