import { Bag } from '../../base/bag.js'
import { STATE, type Publication } from './publication.js'

/** Publications that are neither queued nor in flight: they are prepared, back off, or are held. */
export class Deferred {
  readonly #publications = new Bag<Publication>()
  #preparing = 0

  /** How many wait for their declarations. */
  get preparing(): number {
    return this.#preparing
  }

  add(publication: Publication, state: typeof STATE.preparing | typeof STATE.backingOff | typeof STATE.held): void {
    publication.state = state
    this.#publications.add(publication)
    if (state === STATE.preparing) this.#preparing++
  }

  /** Before the state changes. */
  delete(publication: Publication): void {
    if (this.#publications.delete(publication) && publication.state === STATE.preparing) this.#preparing--
  }

  /** Takes out those whose confirm is held back. */
  takeHeld(): Publication[] {
    const held = [...this.#publications].filter(({ state }) => state === STATE.held)
    for (const publication of held) this.#publications.delete(publication)
    return held
  }

  [Symbol.iterator](): IterableIterator<Publication> {
    return this.#publications[Symbol.iterator]()
  }
}
