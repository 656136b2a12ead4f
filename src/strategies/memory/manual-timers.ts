import { Heap } from '../../base/heap.js'

export interface Timer {
  /** Undefined once it is cancelled. */
  callback: (() => void) | undefined
  /** By the wall clock, or by the monotonic time. */
  readonly at: number
  readonly isWall: boolean
}

/** Two times that stand still until they are moved, and the timers of both. */
export class ManualTimers {
  /** The monotonic time. */
  time: number
  /** Of the wall clock, compared with {@link time}. */
  aheadMs = 0
  #timers = new Heap<Timer>()

  constructor(start: number) {
    this.time = start
  }

  /** Returns what cancels it. */
  add(timer: Timer): () => void {
    this.#timers.add(timer, timer.isWall ? timer.at - this.aheadMs : timer.at)
    return () => (timer.callback = undefined)
  }

  /** When the next timer is due, by the monotonic time. */
  next(): number {
    while (this.#timers.first && !this.#timers.first.callback) this.#timers.pop()
    return this.#timers.least
  }

  /** Calls what falls due on the way, in order, each at its own time. */
  advance(ms: number): void {
    const end = this.time + ms
    for (let at = this.next(); at <= end; at = this.next()) {
      this.time = Math.max(this.time, at)
      this.#timers.pop()?.callback?.()
    }
    this.time = Math.max(this.time, end)
  }

  /** Sets the wall clock alone. Its timers that are due by that are called at the next {@link advance}. */
  setWallClock(ms: number): void {
    this.aheadMs += ms
    const before = this.#timers
    this.#timers = new Heap()
    for (let timer = before.pop(); timer; timer = before.pop()) this.add(timer)
  }
}
