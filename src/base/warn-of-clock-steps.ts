import type { Clock } from './clock.js'
import type { Logger } from './logger.js'
import { throttle } from './throttle.js'

/** Smaller ones mean nothing to an operator. */
const LEAST_WARNED_MS = 1000

/** Warns when the wall clock was set. Returns the function that ends this. */
export function warnOfClockSteps(clock: Clock, logger: Logger): () => void {
  const isNew = throttle(clock)
  return clock.onStep((ms) => {
    if (Math.abs(ms) < LEAST_WARNED_MS || !isNew(ms < 0 ? 'back' : 'forward')) return
    const what =
      ms < 0 ? 'back: messages that are due at an instant come later' : 'forward: messages that are due by it come now'
    logger.warn(`the clock of this machine was set ${what}`, {
      byMs: Math.round(ms),
      now: new Date(clock.now()).toISOString(),
    })
  })
}
