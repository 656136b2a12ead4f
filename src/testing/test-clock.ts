import type { Clock } from '../base/clock.js'
import { parseInstant, type Due } from '../message/due.js'
import { parseDelay, type Duration } from '../message/duration.js'
import { DuequeError, shown } from '../base/errors.js'
import type { Activity } from './activity.js'
import { ClockMoves, type TestClockSettings } from './clock-moves.js'

/** The clock of a test. It stands still until it is moved. */
export interface TestClock extends Clock {
  /** Milliseconds since the epoch. Needs no `this`: pass it on as your code's `Date.now`. */
  readonly now: () => number
  /** A handler that waits for this call is not waited for by {@link advance}. */
  readonly at: (time: number, callback: () => void) => () => void
  /** The monotonic time, which {@link set} does not change. */
  readonly monotonic: () => number
  /** As {@link at}, by the monotonic time. */
  readonly after: (ms: number, callback: () => void) => () => void
  /**
   * Moves the time forward, from one instant at which something falls due to the next, and delivers it. Before the time
   * moves on, and before this resolves, everything that the instant has started is over: handlers have ended, their
   * messages are handled, wait for their next attempt or are dead, schedules are confirmed. What falls due by that within
   * the move is delivered in it, at its own instant. `advance(0)` waits for what runs, and moves nothing.
   *
   * A handler with a time-out (`handlerTimeoutMs`) that does not end within `patienceMs` is left to it: the time moves on
   * until its signal is aborted. Two moves at once go one after the other.
   *
   * @param by milliseconds or a duration such as `'7d'`
   * @throws DuequeError `CLOCK_STUCK` if something does not end within `patienceMs` (the time stays at that instant then),
   * or if a handler calls it, which would wait for itself; `INVALID_DUE`
   */
  readonly advance: (by: Duration) => Promise<void>
  /** As {@link advance}, to an instant, as `at` of a schedule. @throws DuequeError `INVALID_DUE` if it is past */
  readonly advanceTo: (at: NonNullable<Due['at']>) => Promise<void>
  /**
   * Sets the wall clock alone, forward or back, as an administrator sets a machine's, and delivers the messages that are due by
   * it: to test how your code copes with that. Waits as {@link advance} does.
   *
   * @throws DuequeError `CLOCK_STUCK`, `INVALID_DUE`
   */
  readonly set: (at: NonNullable<Due['at']>) => Promise<void>
}

export function testClock(settings: TestClockSettings): TestClock {
  const { clock, activity } = settings
  const moves = new ClockMoves(settings)
  return {
    now: () => clock.now(),
    at: (time, callback) => waitFor(activity, callback, (over) => clock.at(time, over)),
    monotonic: () => clock.monotonic(),
    after: (ms, callback) => waitFor(activity, callback, (over) => clock.after(ms, over)),
    onStep: (listener) => clock.onStep(listener),
    async advance(by) {
      const ms = parseDelay(by, 'by')
      return moves.moveTo(() => clock.now() + ms)
    },
    async advanceTo(at) {
      const end = parseInstant(at)
      return moves.moveTo(() => {
        if (end >= clock.now()) return end
        const message = `at: the clock does not go back from ${shown(new Date(clock.now()))} to ${shown(new Date(end))}`
        throw new DuequeError('INVALID_DUE', message, { value: at })
      })
    },
    async set(at) {
      return moves.set(parseInstant(at))
    },
  }
}

/** Arms a timer for `callback`. A handler that asks for it waits for the clock until then. */
function waitFor({ caller }: Activity, callback: () => void, arm: (callback: () => void) => () => void): () => void {
  if (!caller) return arm(callback)
  let isWaiting = true
  caller.waits++
  const over = () => {
    if (isWaiting) caller.waits--
    isWaiting = false
  }
  const cancel = arm(() => {
    over()
    callback()
  })
  return () => {
    over()
    cancel()
  }
}
