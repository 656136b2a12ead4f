import { monotonicOf, type Clock } from '../base/clock.js'
import { DueQueue } from '../base/due-queue.js'
import type { IncomingMessage } from './incoming-message.js'

/** Messages that a consumer keeps until they are ready, or until it looks at them again. */
export class Hold {
  readonly #clock: Clock
  readonly #onReady: (incoming: IncomingMessage) => void
  /** By the wall clock. */
  readonly #early: DueQueue<IncomingMessage>
  /** By the monotonic time. */
  readonly #paused: DueQueue<IncomingMessage>
  #unwatch: (() => void) | undefined

  /** @param onReady called with each message that leaves. It may not be ready yet if the wall clock was set */
  constructor(clock: Clock, onReady: (incoming: IncomingMessage) => void) {
    this.#clock = clock
    this.#onReady = onReady
    this.#early = new DueQueue(clock, onReady)
    this.#paused = new DueQueue(monotonicOf(clock), onReady)
  }

  get size(): number {
    return this.#early.size + this.#paused.size
  }

  /** If the wall clock is set meanwhile, all early messages leave at once, to be looked at again. */
  untilReady(incoming: IncomingMessage): void {
    this.#unwatch ??= this.#clock.onStep(() => {
      for (const early of this.#early.clear()) this.#onReady(early)
    })
    this.#early.add(incoming, incoming.readyAt)
  }

  /** For `ms`, whatever the wall clock shows. */
  pause(incoming: IncomingMessage, ms: number): void {
    this.#paused.add(incoming, this.#clock.monotonic() + ms)
  }

  /** Takes out everything, in no order. */
  end(): IncomingMessage[] {
    this.#unwatch?.()
    this.#unwatch = undefined
    return [...this.#early.clear(), ...this.#paused.clear()]
  }
}
