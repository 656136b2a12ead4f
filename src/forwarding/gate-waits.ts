import type { Arrival } from '../broker.js'
import type { Gate } from '../cancellation/gate.js'

/** Due messages that wait for a gate to open. */
export class GateWaits {
  readonly #waiting = new Map<Pick<Arrival, 'live'>, () => void>()
  readonly #unwatch: () => void
  #isEnded = false

  constructor(gate: Gate) {
    this.#unwatch = gate.onOpen(() => this.#wake())
  }

  get size(): number {
    return this.#waiting.size
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Resolves when the gate may be open, when the broker has taken the message back, or at the end. */
  async opening(arrival: Pick<Arrival, 'live'>): Promise<void> {
    if (this.#isEnded) return
    this.#forgetLost()
    await new Promise<void>((resolve) => this.#waiting.set(arrival, resolve))
    this.#waiting.delete(arrival)
  }

  end(): void {
    this.#isEnded = true
    this.#unwatch()
    this.#wake()
  }

  /** While the gate is closed, messages of lost channels would gather. */
  #forgetLost(): void {
    for (const [first, wake] of this.#waiting) {
      if (first.live) return
      wake()
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.values()) wake()
  }
}
