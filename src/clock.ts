/** The time and its timers, so that a test can move them. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `callback` once, at `time` or as soon after as the machine allows, never before. Returns what cancels it. */
  at(time: number, callback: () => void): () => void
}

/** Node clamps a longer timer to 1 ms. https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The wall clock. A timer looks at the clock again when it fires, because timers and clock may drift apart. */
export const systemClock: Clock = {
  now: () => Date.now(),
  at(time, callback) {
    let timer: ReturnType<typeof setTimeout>
    const arm = () => {
      const left = time - Date.now()
      timer = setTimeout(() => (Date.now() >= time ? callback() : arm()), Math.min(Math.max(left, 0), LONGEST_TIMER_MS))
    }
    arm()
    return () => clearTimeout(timer)
  },
}
