import { systemClock, type Clock } from '../../clock.js'
import { parseDelay } from '../../due.js'
import { Heap } from '../../heap.js'

export interface ManualClock extends Clock {
  /**
   * Moves the time forward and calls what falls due on the way, in order, each at its own time.
   *
   * @param by milliseconds or a duration such as `'7d'`
   */
  advance(by: number | string): void
  /** When it has to call next, in milliseconds since the epoch; `Infinity` if nothing waits for it. */
  next(): number
}

/** A clock that stands still until a test moves it. */
export function manualClock(start: Date | number = systemClock.now()): ManualClock {
  let now = Number(start)
  const timers = new Heap<{ callback: (() => void) | undefined }>()
  const next = () => {
    while (timers.first && !timers.first.callback) timers.pop()
    return timers.least
  }
  return {
    now: () => now,
    at(time, callback) {
      const timer: { callback: (() => void) | undefined } = { callback }
      timers.add(timer, time)
      return () => (timer.callback = undefined)
    },
    advance(by) {
      const end = now + parseDelay(by)
      for (let time = next(); time <= end; time = next()) {
        now = Math.max(now, time)
        timers.pop()?.callback?.()
      }
      now = Math.max(now, end)
    },
    next,
  }
}
