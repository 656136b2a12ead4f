import type { Clock } from '../base/clock.js'
import { parseDelay, parseInstant, type Due } from '../message/due.js'
import { DuequeError, shown } from '../base/errors.js'
import type { ManualClock } from '../strategies/memory/manual-clock.js'
import type { Activity } from './activity.js'
import { machineTime, pause, turn } from './real-time.js'

/** The clock of a test. It stands still until it is moved. */
export interface TestClock extends Clock {
  /** Milliseconds since the epoch. Needs no `this`: pass it on as your code's `Date.now`. */
  readonly now: () => number
  /** A handler that waits for this call is not waited for by {@link advance}. */
  readonly at: (time: number, callback: () => void) => () => void
  /** The time that only goes on, which {@link set} does not change. */
  readonly monotonic: () => number
  /** As {@link at}, by the time that only goes on. */
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
  readonly advance: (by: number | string) => Promise<void>
  /** As {@link advance}, to an instant, as `at` of a schedule. @throws DuequeError `INVALID_DUE` if it is past */
  readonly advanceTo: (at: NonNullable<Due['at']>) => Promise<void>
  /**
   * Sets the wall clock alone, forward or back, as somebody sets that of a machine, and delivers what is due by it: for
   * tests of what your code makes of that. Waits as {@link advance} does.
   *
   * @throws DuequeError `CLOCK_STUCK`, `INVALID_DUE`
   */
  readonly set: (at: NonNullable<Due['at']>) => Promise<void>
}

export interface TestClockSettings {
  clock: ManualClock
  activity: Activity
  patienceMs: number
  setSystemTime: (now: number) => void
}

export function testClock({ clock, activity, patienceMs, setSystemTime }: TestClockSettings): TestClock {
  let last: Promise<void> = Promise.resolve()
  const step = (time: number) => {
    setSystemTime(time)
    clock.advance(time - clock.now())
  }
  const moveTo = async (end: number) => {
    await settled(activity, patienceMs)
    for (let time = clock.next(); time <= end; time = clock.next()) {
      step(Math.max(Math.ceil(time), clock.now()))
      await settled(activity, patienceMs)
    }
    if (end > clock.now()) step(end)
  }
  const inTurn = async (move: () => Promise<void>) => {
    if (activity.caller) throw ownMove(activity.caller.queue)
    const moved = last.then(move)
    last = moved.catch(() => undefined)
    return moved
  }
  const move = (end: () => number) => inTurn(() => moveTo(end()))
  return {
    now: () => clock.now(),
    at: (time, callback) => waitFor(activity, callback, (over) => clock.at(time, over)),
    monotonic: () => clock.monotonic(),
    after: (ms, callback) => waitFor(activity, callback, (over) => clock.after(ms, over)),
    onStep: (listener) => clock.onStep(listener),
    async advance(by) {
      const ms = parseDelay(by, 'by')
      return move(() => clock.now() + ms)
    },
    async advanceTo(at) {
      const end = parseInstant(at)
      return move(() => {
        if (end >= clock.now()) return end
        const message = `at: the clock does not go back from ${shown(new Date(clock.now()))} to ${shown(new Date(end))}`
        throw new DuequeError('INVALID_DUE', message, { value: at })
      })
    },
    async set(at) {
      const time = parseInstant(at)
      return inTurn(async () => {
        await settled(activity, patienceMs)
        setSystemTime(time)
        clock.set({ epochMilliseconds: time })
        await settled(activity, patienceMs)
      })
    },
  }
}

/** Until nothing that began is under way. */
async function settled(activity: Activity, patienceMs: number): Promise<void> {
  let { changes } = activity
  let since = machineTime()
  for (let turns = 0; ; turns++) {
    await turn()
    if (!activity.isBusy) return
    if (activity.changes !== changes) {
      ;({ changes } = activity)
      since = machineTime()
      turns = 0
    } else if (machineTime() - since >= patienceMs) return activity.giveUp(patienceMs)
    // What takes longer waits for something outside: it need not be asked at each turn.
    if (turns > 100) await pause(1)
  }
}

/** Arms a timer for `callback`, and says so of the handler that asks. */
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

function ownMove(queue: string): DuequeError<'CLOCK_STUCK'> {
  const message = `the clock cannot be moved by a handler (queue ${queue}): the move would wait for the handler to end`
  return new DuequeError('CLOCK_STUCK', message, { handlers: [] })
}
