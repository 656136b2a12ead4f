import { clockSteps } from './clock-steps.js'

/** A time and its timers. */
export interface Timeline {
  /** Milliseconds. */
  now(): number
  /** Calls `callback` once, at `time` or as soon after as the machine allows, never before. Returns a function that cancels. */
  at(time: number, callback: () => void): () => void
}

/**
 * The wall clock, and a monotonic time; each with its timers, so that a test can move them. Due times, and times that are
 * shown, are those of the wall clock. Everything else is measured by the monotonic time, because the wall clock may be set,
 * forward and back.
 */
export interface Clock extends Timeline {
  /** Milliseconds since the epoch, by the wall clock. */
  now(): number
  /** Calls `callback` as soon as the wall clock shows `time`, never before; within a second if the clock was set meanwhile. */
  at(time: number, callback: () => void): () => void
  /** The monotonic time: milliseconds since some start. It never goes back. */
  monotonic(): number
  /** Calls `callback` once, after `ms` by the monotonic time. Returns a function that cancels. */
  after(ms: number, callback: () => void): () => void
  /** Calls `listener` when the wall clock was set, with the step: positive if forward. Returns a function that removes it. */
  onStep(listener: (ms: number) => void): () => void
}

/** Node clamps a longer timer to 1 ms. https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The latest instant that a Date holds, in milliseconds since the epoch. ECMA-262, 21.4.1.1. */
export const LATEST_MS = 8.64e15

/** The clocks of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),

  at(time, callback) {
    let timer: ReturnType<typeof setTimeout>
    const fire = () => {
      if (Date.now() < time) return arm()
      forget()
      callback()
    }
    const arm = () => {
      timer = setTimeout(fire, Math.min(Math.max(time - Date.now(), 0), LONGEST_TIMER_MS))
    }
    const cancel = () => {
      clearTimeout(timer)
      forget()
    }
    const forget = clockSteps.listen(() => {
      clearTimeout(timer)
      arm()
    })
    arm()
    return cancel
  },

  monotonic: () => performance.now(),

  after(ms, callback) {
    let left = ms
    let timer: ReturnType<typeof setTimeout>
    const arm = () => {
      const part = Math.min(Math.max(left, 0), LONGEST_TIMER_MS)
      left -= part
      timer = setTimeout(() => (left > 0 ? arm() : callback()), part)
    }
    arm()
    return () => clearTimeout(timer)
  },

  onStep: (listener) => clockSteps.listen(listener),
}

/** The monotonic time of a clock. */
export function monotonicOf(clock: Clock): Timeline {
  return {
    now: () => clock.monotonic(),
    at: (time, callback) => clock.after(time - clock.monotonic(), callback),
  }
}

/** Completes a clock that has only a time and its timers. Such a clock is never set, so that its time is monotonic. */
export function completeClock(clock: Timeline | Clock): Clock {
  if ('monotonic' in clock) return clock
  return {
    now: () => clock.now(),
    at: (time, callback) => clock.at(time, callback),
    monotonic: () => clock.now(),
    after: (ms, callback) => clock.at(clock.now() + ms, callback),
    onStep: () => () => undefined,
  }
}
