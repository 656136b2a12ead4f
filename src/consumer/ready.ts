import { Fifo } from '../base/fifo.js'
import type { Gate } from '../cancellation/gate.js'
import { takeLate, type LateItems } from './batches/spill.js'
import type { IncomingMessage } from './incoming-message.js'

const NONE: readonly IncomingMessage[] = []

/** Messages that are ready for a handler, in the order in which they start. */
export class Ready {
  readonly #messages = new Fifo<IncomingMessage>()
  readonly #gate: Gate | undefined

  /** @param gate no handler starts while it is closed. Undefined: always open */
  constructor(gate: Gate | undefined) {
    this.#gate = gate
  }

  /** The first one, unless the gate is closed for it. */
  get next(): IncomingMessage | undefined {
    const { first } = this.#messages
    return first && this.#gate?.isOpenFor(first.readyAt) !== false ? first : undefined
  }

  push(incoming: IncomingMessage): void {
    this.#messages.push(incoming)
  }

  shift(): IncomingMessage | undefined {
    return this.#messages.shift()
  }

  takeAll(): IncomingMessage[] {
    return this.#messages.remove(() => true)
  }

  /** Takes out the first messages of lost channels, which would gather while the gate is closed. */
  takeLost(): readonly IncomingMessage[] {
    // For every message.
    if (!this.#gate || this.next) return NONE
    const lost: IncomingMessage[] = []
    for (let { first } = this.#messages; first && !first.arrival.live; { first } = this.#messages)
      lost.push(this.#messages.shift()!)
    return lost
  }

  /** Takes out items of batches that wait for a handler though one may start: as {@link takeLate} does. */
  takeLate(items: LateItems): IncomingMessage[] {
    return this.next ? takeLate(this.#messages, items) : []
  }
}
