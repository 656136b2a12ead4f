import * as timers from 'node:timers'

/** How often it is looked whether the wall clock was set. */
const LOOK_MS = 1000
/** Less is the rounding of clocks, or a clock that is corrected slowly. */
const LEAST_STEP_MS = 100

// Taken when the module is loaded: fake timers of a test runner would be called for every second of a year.
const { setInterval: every, clearInterval: end } = timers

/** Notices that the wall clock was set. */
class ClockSteps {
  readonly #listeners = new Set<(ms: number) => void>()
  #timer: ReturnType<typeof every> | undefined
  #aheadMs = 0

  listen(listener: (ms: number) => void): () => void {
    if (this.#listeners.size === 0) {
      this.#aheadMs = Date.now() - performance.now()
      this.#timer = every(() => this.#look(), LOOK_MS).unref()
    }
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) end(this.#timer)
    }
  }

  #look(): void {
    const before = performance.now()
    const now = Date.now()
    // The process was stopped between the two.
    if (performance.now() - before > LEAST_STEP_MS / 2) return
    const ms = now - before - this.#aheadMs
    if (Math.abs(ms) < LEAST_STEP_MS) return
    this.#aheadMs += ms
    for (const listener of [...this.#listeners]) listener(ms)
  }
}

export const clockSteps = new ClockSteps()
