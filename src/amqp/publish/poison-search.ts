import { DuequeError, errorText } from '../../base/errors.js'
import { Fifo } from '../../base/fifo.js'
import { namedExchange, replyCode } from '../connection/failures.js'

/** Losses in a row, each with the broker's blame, after which a message is sent alone. */
const SUSPECT_AFTER = 3
/** After so many it was alone for the last two. */
const GUILTY_AFTER = 5
/** What gets no answer for so long is not searched for. */
const SEARCH_MS = 2000

/** What is counted about one message. */
export interface Suspect {
  /** How often in a row the broker closed the channel or the connection, and blamed a message, while it was on the wire. */
  blamed: number
}

/**
 * Finds the message for which RabbitMQ closes the channel or the connection, among all that were on the wire. It does not
 * say which it was, and sent again with the others it would take them with it for ever.
 */
export class PoisonSearch<E extends Suspect> {
  readonly #waiting = new Fifo<E>()
  /** Whether one is on the wire, or is to be next. */
  #searching = false
  /** When that began, or the broker last answered. */
  #since = 0

  get length(): number {
    return this.#waiting.length
  }

  /** Takes what is to be sent alone. @returns false for what may go with others */
  take(entry: E): boolean {
    if (!isSuspect(entry)) return false
    this.#waiting.push(entry)
    return true
  }

  /** Whether one is sent alone now, or as soon as nothing is on the wire any more. */
  isSearching(inFlight: number): boolean {
    if (this.#searching && inFlight > 0) return true
    if (!this.#searching) this.#since = performance.now()
    this.#searching = this.#waiting.length > 0
    return this.#searching
  }

  next(inFlight: number): E | undefined {
    return inFlight === 0 ? this.#waiting.shift() : undefined
  }

  /** The broker has answered for whatever was on the wire. */
  answered(): void {
    if (this.#searching) this.#since = performance.now()
  }

  /**
   * Ends a search that stands still: what is on the wire may get no answer for ever, from a queue without a majority, and
   * nobody else is to wait for that.
   *
   * @returns those that may go with others again, if a search was ended
   */
  release(inFlight: Iterable<E>): E[] | undefined {
    if (!this.#searching || this.#since > performance.now() - SEARCH_MS) return undefined
    this.#searching = false
    for (const entry of inFlight) entry.blamed = 0
    const released = this.#waiting.remove(() => true)
    for (const entry of released) entry.blamed = 0
    return released
  }

  remove(test: (entry: E) => boolean): E[] {
    return this.#waiting.remove(test)
  }
}

/** Whether it is sent alone. */
export function isSuspect({ blamed }: Suspect): boolean {
  return blamed >= SUSPECT_AFTER
}

/** Counts one more loss. @returns why it is not sent again, once that is proved */
export function blame(entry: Suspect, reason: unknown): DuequeError | undefined {
  entry.blamed = isBlame(reason) ? entry.blamed + 1 : 0
  if (entry.blamed < GUILTY_AFTER) return undefined
  const message = `RabbitMQ refuses the message: ${errorText(reason)}`
  return new DuequeError('MESSAGE_REFUSED', message, { replyCode: replyCode(reason)! }, { cause: reason })
}

/**
 * Whether the broker found fault with something that was sent, and not with itself, an operator's order, or an exchange
 * that it names. For what makes its own code fail it says 541 without a word more; with a word it means something else, such
 * as a metadata store that does not answer.
 */
export function isBlame(reason: unknown): boolean {
  const code = replyCode(reason)
  if (code === undefined || code === 320) return false
  if (code === 541) return errorText(reason).endsWith('with message "INTERNAL_ERROR"')
  return namedExchange(reason) === undefined
}
