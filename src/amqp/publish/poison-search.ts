import { DuequeError, errorText } from '../../base/errors.js'
import { Fifo } from '../../base/fifo.js'
import { isClientFault, replyCode } from '../connection/failures.js'

/** After so many refusals in a row a message is sent alone. */
const ALONE_AFTER = 3
/** After so many it was alone for the last two. */
const POISON_AFTER = 5
/** A search without an answer for so long ends. */
const SEARCH_MS = 2000

/** What is counted about a message that may be poison. */
export interface PoisonCandidate {
  /**
   * How often in a row RabbitMQ closed the channel or the connection, and found fault with a message, while this one was in
   * flight.
   */
  refusals: number
}

/**
 * Finds the poison message: the one for which RabbitMQ closes the channel or the connection, among all that were in flight.
 * RabbitMQ does not tell which one it was, and sent again with the others it would take them with it for ever.
 */
export class PoisonSearch<P extends PoisonCandidate> {
  readonly #candidates = new Fifo<P>()
  /** Whether a candidate is in flight, or is to be next. */
  #isSearching = false
  /** When the search began, or RabbitMQ last answered. */
  #since = 0

  /** Candidates that wait for their turn. */
  get length(): number {
    return this.#candidates.length
  }

  /** Queues a message that is to be sent alone. @returns false for one that may go with others */
  add(publication: P): boolean {
    if (!isCandidate(publication)) return false
    this.#candidates.push(publication)
    return true
  }

  /** Whether a candidate is sent alone now, or as soon as nothing else is in flight. */
  isSearching(inFlight: number): boolean {
    if (this.#isSearching && inFlight > 0) return true
    const isNew = !this.#isSearching
    this.#isSearching = this.#candidates.length > 0
    if (isNew && this.#isSearching) this.#since = performance.now()
    return this.#isSearching
  }

  next(inFlight: number): P | undefined {
    return inFlight === 0 ? this.#candidates.shift() : undefined
  }

  /** RabbitMQ has answered for a message that was in flight. */
  answered(): void {
    if (this.#isSearching) this.#since = performance.now()
  }

  /**
   * Ends a search that stands still: a queue without a majority may never answer for the candidate that is in flight, and no
   * other message is to wait for that.
   *
   * @returns candidates that may go with others again, if a search ended
   */
  endIfStuck(inFlight: Iterable<P>): P[] | undefined {
    if (!this.#isSearching || this.#since > performance.now() - SEARCH_MS) return undefined
    this.#isSearching = false
    for (const publication of inFlight) publication.refusals = 0
    const candidates = this.#candidates.remove(() => true)
    for (const publication of candidates) publication.refusals = 0
    return candidates
  }

  remove(test: (publication: P) => boolean): P[] {
    return this.#candidates.remove(test)
  }
}

/** Whether it is sent alone. */
export function isCandidate({ refusals }: PoisonCandidate): boolean {
  return refusals >= ALONE_AFTER
}

/**
 * Counts a closed channel or connection for a message that was in flight.
 *
 * @param reason what it was closed with
 * @returns an error once the message is proved to be poison
 */
export function countRefusal(publication: PoisonCandidate, reason: unknown): DuequeError | undefined {
  publication.refusals = isClientFault(reason) ? publication.refusals + 1 : 0
  if (publication.refusals < POISON_AFTER) return undefined
  const message = `RabbitMQ refuses the message: ${errorText(reason)}`
  return new DuequeError('MESSAGE_REFUSED', message, { replyCode: replyCode(reason)! }, { cause: reason })
}
