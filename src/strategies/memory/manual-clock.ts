import { isDate } from 'node:util/types'
import { systemClock, type Clock } from '../../base/clock.js'
import { parseInstant, type Due } from '../../message/due.js'
import { parseDelay, type Duration } from '../../message/duration.js'
import { invalidOption } from '../../base/errors.js'
import { ManualTimers } from './manual-timers.js'

export interface ManualClock extends Clock {
  /**
   * Moves the time forward, that of the wall clock and the monotonic one, and calls what falls due on the way, in
   * order, each at its own time.
   *
   * @param by milliseconds or a duration such as `'7d'`
   */
  advance(by: Duration): void
  /**
   * Sets only the wall clock, forward or back, as an administrator sets a machine's. Timers that are due by it are called at once.
   *
   * @param at an instant, as `at` of a schedule
   */
  set(at: NonNullable<Due['at']>): void
  /** When it has to call next, in milliseconds since the epoch; `Infinity` if nothing waits for it. */
  next(): number
}

/**
 * A clock that stands still until a test moves it.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function manualClock(start: Date | number = systemClock.now()): ManualClock {
  if (!(typeof start === 'number' || isDate(start)) || !Number.isFinite(Number(start)))
    throw invalidOption('start', 'a Date, or milliseconds since the epoch', start)
  const timers = new ManualTimers(Number(start))
  const listeners = new Set<(ms: number) => void>()
  const now = () => timers.time + timers.aheadMs
  return {
    now,
    at: (at, callback) => timers.add({ callback, at, isWall: true }),
    monotonic: () => timers.time,
    after: (ms, callback) => timers.add({ callback, at: timers.time + ms, isWall: false }),
    onStep(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    advance: (by) => timers.advance(parseDelay(by)),
    set(at) {
      const ms = parseInstant(at) - now()
      timers.setWallClock(ms)
      for (const listener of [...listeners]) listener(ms)
      timers.advance(0)
    },
    next: () => timers.next() + timers.aheadMs,
  }
}
