import { systemClock, type Clock } from '../../clock.js'
import { parseDelay } from '../../due.js'

export interface ManualClock extends Clock {
  /**
   * Moves the time forward and calls what falls due on the way, in order, each at its own time.
   *
   * @param by milliseconds or a duration such as `'7d'`
   */
  advance(by: number | string): void
}

/** A clock that stands still until a test moves it. */
export function manualClock(start: Date | number = systemClock.now()): ManualClock {
  let now = Number(start)
  let timers: { time: number; callback: () => void }[] = []
  return {
    now: () => now,
    at(time, callback) {
      const timer = { time, callback }
      timers.push(timer)
      return () => (timers = timers.filter((other) => other !== timer))
    },
    advance(by) {
      const end = now + parseDelay(by)
      for (;;) {
        const next = timers.reduce<(typeof timers)[number] | undefined>(
          (first, timer) => (timer.time <= end && (!first || timer.time < first.time) ? timer : first),
          undefined,
        )
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        now = Math.max(now, next.time)
        next.callback()
      }
      now = Math.max(now, end)
    },
  }
}
