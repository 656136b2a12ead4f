import { destinationText, type Destination } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import type { ResolvedOptions } from '../../options.js'
import type { ConnectionEvents } from '../../amqp/connection/connection.js'
import { isOfBroker } from '../is-of-broker.js'
import type { OperatorSettings } from '../operator-settings.js'
import { pace } from '../pace.js'
import type { FailedQueue, TakenMessage } from './failed-queue.js'
import { dryWay, realWay, type RedriveWay } from './redrive-way.js'

export interface RedrivePlan {
  /** Whether a message is to be sent on; the others stay. */
  chosen: (message: TakenMessage) => boolean | Promise<boolean>
  /**
   * The message as it is sent on.
   *
   * @throws DuequeError if it cannot be sent on, and stays
   */
  sentOn: (stored: TakenMessage) => DelayedMessage
  /** Declares missing work queues that the operator named. */
  declare: boolean
  /** Whether the operator named a destination. It is bound then; a destination that only a message names is not. */
  isNamed: (destination: Destination) => boolean
  /** Whether a destination that the operator did not name is bound. Undefined if it cannot be known. */
  isBound: (destination: Destination) => Promise<boolean | undefined>
  /** Messages at most, of the chosen ones. */
  limit: number
  ratePerSecond: number
  /** No more are taken from then on. */
  signal: AbortSignal
  /** Called for each chosen message when its fate is known: confirmed and removed, or why it stays. */
  settled: (stored: TakenMessage, outcome: DelayedMessage | DuequeError) => void | Promise<void>
}

/** Unconfirmed messages at most, and so the messages in memory. */
const IN_FLIGHT = 200

/**
 * Sends failed messages on: binds the destination if an operator has named it, publishes a new copy, and removes the old
 * one only when the new one is confirmed. If it ends half-way, no message is lost; a message whose confirm or removal was
 * still on its way is there twice, with one id and revision, and consumers suppress the second copy.
 */
export class Redrive {
  readonly #way: RedriveWay
  /** Asked once each: a missing one costs the broker a channel and a line in its log. */
  readonly #destinations = new Map<string, Promise<void>>()

  /** @throws DuequeError as `connect` does */
  static async open(options: ResolvedOptions, events: ConnectionEvents): Promise<Redrive> {
    return new Redrive(await realWay(options, events))
  }

  /** Tells what would become of each message, and changes nothing. @throws DuequeError as `connect` does */
  static async openDry(settings: OperatorSettings): Promise<Redrive> {
    return new Redrive(await dryWay(settings))
  }

  private constructor(way: RedriveWay) {
    this.#way = way
  }

  /**
   * Resolves when every message that was taken is settled, and the broker has seen the removals.
   *
   * @throws DuequeError `UNREACHABLE`, `PUBLISH_TIMEOUT`, …: faults of the broker, not of one message
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
    return this.#way.close()
  }

  async #sendOn(queue: FailedQueue, stored: TakenMessage, plan: RedrivePlan): Promise<void> {
    let outcome: DelayedMessage | DuequeError
    try {
      outcome = plan.sentOn(stored)
      await this.#prepare(outcome.destination, plan)
      await this.#way.send(outcome)
    } catch (error) {
      outcome = asDuequeError(error)
    }
    if (!(outcome instanceof DuequeError)) this.#way.remove(queue, stored)
    await plan.settled(stored, outcome)
    if (outcome instanceof DuequeError && isOfBroker(outcome)) throw outcome
  }

  #prepare(destination: Destination, plan: RedrivePlan): Promise<void> {
    const key = destinationText(destination)
    const ready = this.#destinations.get(key) ?? this.#look(destination, plan)
    this.#destinations.set(key, ready)
    return ready
  }

  /** @throws DuequeError `NOT_BOUND`, `DESTINATION_MISSING`, `RESERVED_NAME`, … */
  async #look(destination: Destination, { isNamed, isBound, declare }: RedrivePlan): Promise<void> {
    if (isNamed(destination)) return this.#way.bind(destination, declare)
    await this.#way.assertUsers(destination)
    const text = destinationText(destination)
    if (!(await this.#way.exists(destination)))
      throw new DuequeError('DESTINATION_MISSING', `${text} does not exist`, { destination: text })
    const bound = await isBound(destination)
    if (bound) return
    const message =
      bound === false ? `${text} is not bound in this namespace` : `nobody can say whether ${text} is bound`
    throw new DuequeError('NOT_BOUND', message, { destination: text })
  }
}

function asDuequeError(error: unknown): DuequeError {
  if (isDuequeError(error)) return error
  return new DuequeError('BROKER_ERROR', errorText(error), { replyCode: undefined }, { cause: error })
}
