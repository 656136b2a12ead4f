import type { ConsumerEnvironment } from './environment.js'

/** Earlier than the lead by more than this is no matter of rounding. */
const SKEW_MS = 1000

/** Tells what an operator should mend: early arrivals are held, but only so many, and not for any clock. */
export function earlyWarnings(
  queue: string,
  { strategy, logger }: ConsumerEnvironment,
  isNews: (what: string) => boolean,
) {
  const { leadMs } = strategy.limits
  return (earlyMs: number, prefetch: number, held: number): void => {
    const about = { queue, earlyMs, leadMs, prefetch }
    if (earlyMs > leadMs + SKEW_MS && isNews('skew')) {
      logger.warn("arrives earlier than its lead explains: the clocks differ, or its producer's lead is longer", about)
    }
    if (held >= prefetch && isNews('prefetch')) {
      logger.warn('every message that prefetch allows is held until due, and what is due waits: raise prefetch', about)
    }
  }
}
