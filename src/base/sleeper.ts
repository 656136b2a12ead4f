import type { Timeline } from './clock.js'

/** Lets one loop sleep until a time, or until it is woken. */
export class Sleeper {
  readonly #clock: Timeline
  #wake: (() => void) | undefined
  #until = -Infinity

  constructor(clock: Timeline) {
    this.#clock = clock
  }

  /** May resolve early: the caller looks again at what it waits for. */
  async wait(until: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.at(until, resolve)
      this.#until = until
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = undefined
    this.#until = -Infinity
  }

  /** Ends a wait that would last beyond `time`. */
  wakeFor(time = -Infinity): void {
    if (time < this.#until) this.#wake?.()
  }
}
