import { Deferred } from './deferred.js'
import { InFlight } from './in-flight.js'
import { STATE, type Publication } from './publication.js'
import { SendQueue } from './send-queue.js'

/** The publications of one publisher that are not settled yet, each in one of three places. */
export class Unsettled {
  readonly inFlight: InFlight
  readonly queue: SendQueue
  readonly deferred = new Deferred()
  #count = 0

  constructor(maxInFlight: number) {
    this.inFlight = new InFlight(maxInFlight)
    this.queue = new SendQueue(this.inFlight)
  }

  get count(): number {
    return this.#count
  }

  add(publication: Publication): void {
    this.#count++
    this.queue.push(publication)
  }

  /** Marks a publication as settled. The queue lets go of it later, because to look for each one in it would be slow. */
  settle(publication: Publication): void {
    this.#takeOut(publication)
    publication.state = STATE.settled
    if (--this.#count === 0) this.queue.remove(() => true)
  }

  /** Those that `test` accepts, without those whose confirm is held back. They leave the queue. */
  find(test: (publication: Publication) => boolean): Publication[] {
    // Aborted publications leave the queue here, all at once.
    const isOver = (publication: Publication) => publication.state === STATE.settled || test(publication)
    const found = this.queue.remove(isOver).filter(({ state }) => state !== STATE.settled)
    for (const publication of this.inFlight) if (test(publication)) found.push(publication)
    for (const publication of this.deferred)
      if (publication.state !== STATE.held && test(publication)) found.push(publication)
    return found
  }

  #takeOut(publication: Publication): void {
    switch (publication.state.kind) {
      case 'in-flight':
      case 'returned':
        return this.inFlight.delete(publication)
      case 'preparing':
      case 'backing-off':
      case 'held':
        return this.deferred.delete(publication)
      case 'queued':
      case 'answered':
      case 'settled':
    }
  }
}
