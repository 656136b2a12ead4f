import type { DeadReason } from './message/death.js'
import { aFunction, checkOne, type Rules } from './base/checks.js'
import { errorText, invalidOption, type DuequeError } from './base/errors.js'
import type { Logger } from './base/logger.js'
import { onRejection } from './base/on-rejection.js'
import type { CancelResult } from './schedule/cancel-result.js'

/** One attempt of a message, of the event `handled`. */
export interface HandledEvent {
  readonly queue: string
  /** The producer's id. Missing only from a foreign message without one. */
  readonly id: string | undefined
  readonly name: string | undefined
  /** Counts deliveries to a handler, from 1. */
  readonly attempt: number
}

/** An attempt that failed or asked for another one, of the event `retried`. */
export interface RetriedEvent extends HandledEvent {
  /** What the handler threw, as it threw it. Undefined if it called `retry`. */
  readonly error: unknown
  /** How long the message waits for its next attempt, in milliseconds. */
  readonly delayMs: number
}

/** The last attempt of a message that was given up, of the event `dead`. */
export interface DeadEvent extends HandledEvent {
  readonly reason: DeadReason
  /** What the handler threw, as it threw it; otherwise an error or a text that says what is wrong with the message. */
  readonly error: unknown
}

/**
 * Why a message was parked. Frozen: docs/wire-format.md.
 *
 * - `missing`: its destination does not exist.
 * - `not-bound`: its destination exists, is not bound in this namespace, and the process that had the message neither consumes it
 *   nor schedules to it.
 * - `no-destination`: it does not say where it belongs.
 * - `reserved`: its destination is one of dueque's own queues or exchanges.
 * - `invalid-due`: it is due later than any strategy can wait.
 * - `refused`: it cannot be published again.
 * - `failed`: five attempts to send it on failed.
 */
export type ParkedReason =
  'missing' | 'not-bound' | 'no-destination' | 'reserved' | 'invalid-due' | 'refused' | 'failed'

/** An unroutable message that could not be sent on, of the event `parked`. */
export interface ParkedEvent {
  readonly id: string | undefined
  readonly name: string | undefined
  /** Its destination as the message says it: `queue:<name>`, `exchange:<name>` or `outlet:<name>`. */
  readonly to: string | undefined
  /** Why it could not be sent on. */
  readonly reason: ParkedReason
}

/** The answer to a cancellation or a reschedule, of the event `cancelled`. */
export interface CancelledEvent {
  readonly id: string
  readonly outcome: CancelResult
}

/**
 * What happens to the connections and to messages. While connections are away nothing is lost: schedules wait, consumers
 * come back.
 */
export interface DuequeEvents {
  /** RabbitMQ takes no more messages for now, because memory or disk are low. */
  blocked: (reason: string) => void
  unblocked: () => void
  disconnected: (error: Error | undefined) => void
  reconnected: () => void
  /** Something that will not mend itself, such as credentials that were revoked. dueque goes on trying. */
  error: (error: DuequeError) => void
  /** A handler returned and decided nothing else; its message is acknowledged. */
  handled: (event: HandledEvent) => void
  /** A message waits for its next attempt, and the broker has confirmed that. */
  retried: (event: RetriedEvent) => void
  /**
   * A consumer of this process gave a message up, and the broker has confirmed it in the dead queue. There is no
   * event for a message that the broker itself moves there, at its delivery limit.
   */
  dead: (event: DeadEvent) => void
  /** A consumer of this process dropped a cancelled message. `attempt` is the one that it was to be. */
  dropped: (event: HandledEvent) => void
  /** This process moved an unroutable message to the parking queue. */
  parked: (event: ParkedEvent) => void
  /** This process has cancelled or rescheduled a message, and the outcome says whether that was in time. */
  cancelled: (event: CancelledEvent) => void
}

export const EVENT_RULES: Rules<DuequeEvents> = {
  blocked: aFunction,
  unblocked: aFunction,
  disconnected: aFunction,
  reconnected: aFunction,
  error: aFunction,
  handled: aFunction,
  retried: aFunction,
  dead: aFunction,
  dropped: aFunction,
  parked: aFunction,
  cancelled: aFunction,
}

/** The listeners of one connection. If one throws, or returns a promise that rejects, that is logged and has no other effect. */
export class Events {
  readonly #logger: Logger
  readonly #listeners = new Map<keyof DuequeEvents, Set<(...args: never[]) => void>>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * Returns what removes the listener.
   *
   * @throws DuequeError `INVALID_OPTION`
   */
  on<E extends keyof DuequeEvents>(event: E, listener: DuequeEvents[E]): () => void {
    if (!Object.hasOwn(EVENT_RULES, event))
      throw invalidOption('event', `one of ${Object.keys(EVENT_RULES).join(', ')}`, event)
    checkOne('listener', aFunction, listener)
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** Whether anybody listens. If not, the event need not be put together. */
  has(event: keyof DuequeEvents): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  emit<E extends keyof DuequeEvents>(event: E, ...args: Parameters<DuequeEvents[E]>): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        const returned = (listener as (...args: unknown[]) => unknown)(...args)
        if (returned !== undefined) onRejection(returned, (error) => this.#failed(event, error))
      } catch (error) {
        this.#failed(event, error)
      }
    }
  }

  #failed(event: keyof DuequeEvents, error: unknown): void {
    this.#logger.error('an event listener threw', { event, error: errorText(error) })
  }
}
