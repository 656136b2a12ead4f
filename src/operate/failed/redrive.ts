import { setTimeout as pause } from 'node:timers/promises'
import { destinationText, type Destination } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import type { ResolvedOptions } from '../../options.js'
import { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { ConnectionEvents } from '../../amqp/connection/connection.js'
import { openSession, type Session } from '../../session.js'
import type { Strategy } from '../../strategies/strategy.js'
import type { FailedQueue, TakenMessage } from './failed-queue.js'

export interface RedrivePlan {
  /** Which messages are meant; the others stay. */
  chosen: (message: TakenMessage) => boolean | Promise<boolean>
  /**
   * A message as it is sent on.
   *
   * @throws DuequeError if it cannot be, so that it stays
   */
  sentOn: (stored: TakenMessage) => DelayedMessage
  /** Declares missing work queues, of those that are named. */
  declare: boolean
  /** Whether the operator has named a destination. It is bound then; what a message alone names is not. */
  isNamed: (destination: Destination) => boolean
  /** Of those that are not named, whether they are bound. Undefined if nobody can say. */
  isBound: (destination: Destination) => Promise<boolean | undefined>
  /** Messages at most, of those that are meant. */
  limit: number
  ratePerSecond: number
  /** No more are taken from then on. */
  signal: AbortSignal
  /** Called for each message that is meant, as its fate is known: confirmed and removed, or why it stays. */
  settled: (stored: TakenMessage, outcome: DelayedMessage | DuequeError) => void | Promise<void>
}

/** Confirms under way at most, and so the messages that are in memory. */
const IN_FLIGHT = 200

/**
 * Sends messages of a storage queue on: binds the destination if an operator has named it, publishes anew, and removes the stored copy only when the
 * new one is confirmed. Whatever ends it half-way loses nothing; a message of which the confirm or the removal was still
 * on its way is there twice, with one id and revision, and consumers suppress the second.
 */
export class Redrive {
  readonly #session: Session<AmqpBroker>
  readonly #strategy: Strategy
  /** Asked once for each: a missing one costs the broker a channel and a line in its log. */
  readonly #destinations = new Map<string, Promise<void>>()

  /** @throws DuequeError as `connect` does */
  static async open(options: ResolvedOptions, events: ConnectionEvents): Promise<Redrive> {
    // The signal ends a run between two messages, and not the opening.
    const settings = { ...options, signal: undefined }
    const session = await openSession(new AmqpBroker(options, events), settings, { onError: events.error })
    return new Redrive(session, options.strategy)
  }

  private constructor(session: Session<AmqpBroker>, strategy: Strategy) {
    this.#session = session
    this.#strategy = strategy
  }

  /**
   * Resolves when every message that was taken is settled, and the broker has seen what was removed.
   *
   * @throws DuequeError `UNREACHABLE`, `PUBLISH_TIMEOUT`, …: what is wrong with the broker and not with one message
   */
  async run(queue: FailedQueue, plan: RedrivePlan): Promise<void> {
    const underWay = new Set<Promise<void>>()
    const stop = { error: undefined as unknown }
    const isOver = () => stop.error !== undefined || plan.signal.aborted
    const turn = pace(plan.ratePerSecond, plan.signal)
    let meant = 0
    try {
      if (isOver() || plan.limit === 0) return
      for await (const stored of queue.messages()) {
        if (isOver()) break
        if (!(await plan.chosen(stored))) continue
        await turn()
        if (isOver()) break
        const one: Promise<void> = this.#sendOn(queue, stored, plan)
          .catch((error: unknown) => void (stop.error ??= error))
          .finally(() => underWay.delete(one))
        underWay.add(one)
        if (++meant >= plan.limit) break
        if (underWay.size >= IN_FLIGHT) await Promise.race(underWay)
      }
    } finally {
      await Promise.all(underWay)
    }
    if (stop.error !== undefined) throw stop.error as Error
    await queue.settle()
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  async #sendOn(queue: FailedQueue, stored: TakenMessage, plan: RedrivePlan): Promise<void> {
    let outcome: DelayedMessage | DuequeError
    try {
      outcome = plan.sentOn(stored)
      await this.#prepare(outcome.destination, plan)
      await this.#strategy.schedule(outcome, { declare: false, bind: false })
    } catch (error) {
      outcome = asDuequeError(error)
    }
    if (!(outcome instanceof DuequeError)) queue.remove(stored)
    await plan.settled(stored, outcome)
    if (outcome instanceof DuequeError && !isItsOwn(outcome)) throw outcome
  }

  #prepare(destination: Destination, plan: RedrivePlan): Promise<void> {
    const key = destinationText(destination)
    const ready = this.#destinations.get(key) ?? this.#look(destination, plan)
    this.#destinations.set(key, ready)
    return ready
  }

  /** @throws DuequeError `NOT_BOUND`, `DESTINATION_MISSING`, `RESERVED_NAME`, … */
  async #look(destination: Destination, { isNamed, isBound, declare }: RedrivePlan): Promise<void> {
    const { topology } = this.#session.broker
    if (isNamed(destination)) return topology.destination(destination, declare)
    await topology.assertUsers(destination)
    const text = destinationText(destination)
    if (!(await topology.exists(destination)))
      throw new DuequeError('DESTINATION_MISSING', `${text} does not exist`, { destination: text })
    const bound = await isBound(destination)
    if (bound) return
    const message =
      bound === false ? `${text} is not bound in this namespace` : `nobody can say whether ${text} is bound`
    throw new DuequeError('NOT_BOUND', message, { destination: text })
  }
}

/** What another message need not meet as well. */
function isItsOwn({ code }: DuequeError): boolean {
  return code !== 'PUBLISH_TIMEOUT' && code !== 'CLOSED' && code !== 'UNREACHABLE'
}

function asDuequeError(error: unknown): DuequeError {
  if (isDuequeError(error)) return error
  return new DuequeError('BROKER_ERROR', errorText(error), { replyCode: undefined }, { cause: error })
}

/** Resolves for each caller in turn, so many times a second. */
function pace(ratePerSecond: number, signal: AbortSignal): () => Promise<void> {
  let next = performance.now()
  return async () => {
    const wait = next - performance.now()
    next = Math.max(next, performance.now()) + 1000 / ratePerSecond
    // An abort is the caller's to notice.
    if (wait > 0) await pause(wait, undefined, { signal }).catch(() => undefined)
  }
}
