import { isDate } from 'node:util/types'
import { systemClock, type Clock } from '../../base/clock.js'
import { parseDelay, parseInstant, type Due } from '../../message/due.js'
import { invalidOption } from '../../base/errors.js'
import { Heap } from '../../base/heap.js'

export interface ManualClock extends Clock {
  /**
   * Moves the time forward, that of the wall clock and the one that only goes on, and calls what falls due on the way, in
   * order, each at its own time.
   *
   * @param by milliseconds or a duration such as `'7d'`
   */
  advance(by: number | string): void
  /**
   * Sets only the wall clock, forward or back, as an administrator sets a machine's. Timers that are due by it are called at once.
   *
   * @param at an instant, as `at` of a schedule
   */
  set(at: NonNullable<Due['at']>): void
  /** When it has to call next, in milliseconds since the epoch; `Infinity` if nothing waits for it. */
  next(): number
}

interface Timer {
  callback: (() => void) | undefined
  /** By the wall clock, or by the time that only goes on. */
  readonly at: number
  readonly isWall: boolean
}

/**
 * A clock that stands still until a test moves it.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function manualClock(start: Date | number = systemClock.now()): ManualClock {
  if (!(typeof start === 'number' || isDate(start)) || !Number.isFinite(Number(start)))
    throw invalidOption('start', 'a Date, or milliseconds since the epoch', start)
  /** The time that only goes on. */
  let time = Number(start)
  /** Of the wall clock. */
  let aheadMs = 0
  let timers = new Heap<Timer>()
  const listeners = new Set<(ms: number) => void>()

  const add = (timer: Timer) => {
    timers.add(timer, timer.isWall ? timer.at - aheadMs : timer.at)
    return () => (timer.callback = undefined)
  }
  const next = () => {
    while (timers.first && !timers.first.callback) timers.pop()
    return timers.least
  }
  const advance = (ms: number) => {
    const end = time + ms
    for (let at = next(); at <= end; at = next()) {
      time = Math.max(time, at)
      timers.pop()?.callback?.()
    }
    time = Math.max(time, end)
  }

  return {
    now: () => time + aheadMs,
    at: (at, callback) => add({ callback, at, isWall: true }),
    monotonic: () => time,
    after: (ms, callback) => add({ callback, at: time + ms, isWall: false }),
    onStep(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    advance: (by) => advance(parseDelay(by)),
    set(at) {
      const ms = parseInstant(at) - (time + aheadMs)
      aheadMs += ms
      const before = timers
      timers = new Heap()
      for (let timer = before.pop(); timer; timer = before.pop()) add(timer)
      for (const listener of [...listeners]) listener(ms)
      advance(0)
    },
    next: () => next() + aheadMs,
  }
}
