import { DuequeError, errorText } from '../errors.js'
import { Fifo } from '../fifo.js'
import { namedExchange, replyCode } from './failures.js'

/** Losses in a row, each with the broker's blame, after which a message is sent alone. */
const SUSPECT_AFTER = 3
/** After so many it was alone for the last two. */
const GUILTY_AFTER = 5

/** What is counted about one message. */
export interface Suspect {
  /** How often in a row the broker closed the channel or the connection, and blamed a message, while it was on the wire. */
  blamed: number
}

/**
 * Finds the message for which RabbitMQ closes the channel or the connection, among all that were on the wire. It does not
 * say which it was, and sent again with the others it would take them with it for ever.
 */
export class Suspects<E extends Suspect> {
  readonly #waiting = new Fifo<E>()

  get length(): number {
    return this.#waiting.length
  }

  /** Takes what is to be sent alone. @returns false for what may go with others */
  take(entry: E): boolean {
    if (!isSuspect(entry)) return false
    this.#waiting.push(entry)
    return true
  }

  shift(): E | undefined {
    return this.#waiting.shift()
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
