import type { Arrival } from '../broker.js'
import type { Clock } from '../base/clock.js'
import { isReserved, parseDestination, type Destination } from '../message/destination.js'
import { decodeEnvelope, readyAt, sentOn, text, HEADER, type Envelope } from '../message/envelope.js'
import { errorText, isDuequeError, isForEver } from '../base/errors.js'
import type { ParkedEvent, ParkedReason } from '../events.js'
import type { Logger } from '../base/logger.js'
import type { Strategy } from '../strategies/strategy.js'
import type { AmqpBroker } from '../amqp/amqp-broker.js'
import { BoundedPauses } from '../base/bounded-pauses.js'
import { closeInTime } from '../amqp/connection/close-in-time.js'
import { destinationKey } from '../amqp/topology/names.js'

export interface UnroutableEnvironment {
  strategy: Strategy
  clock: Clock
  logger: Logger
  /** A message is safe in the parking queue. */
  onParked?: (event: ParkedEvent) => void
}

/** After so many attempts to send it on a message is parked, whatever the reason. */
export const MAX_RESCUES = 5
const PREFETCH = 100
/** More messages than these do not pause at a time, so that others find room beside them. */
const MAX_PAUSING = PREFETCH / 2
/** How long what was seen of a destination is taken to be true. */
const LOOK_AGAIN_MS = 2000
/** The rungs are looked at no more often than this, since anybody may send messages that look lost. */
const MEND_AGAIN_MS = 10_000
const PAUSE_AFTER_FAILURE_MS = 1000

/** Why a message cannot be sent on. */
interface Problem {
  reason: ParkedReason
  /** What went wrong, beside the reason. */
  error?: string
}

/**
 * Sends on what an exchange had no route for. A broker on Mnesia starts its quorum queues before it has recovered the
 * bindings, so that a restart leaves messages here whose route exists (measured on 3.10.8: 349 of 20,000); so does a rung
 * that was deleted, and a queue that was declared anew without its binding. Each message is sent again, from where it
 * stands by its due time.
 *
 * It binds a destination only if this process consumes it or schedules to it: what a message alone names may be a queue
 * that its producer must not reach (docs/decisions/042). Any other destination gets the message if it is bound.
 *
 * Every process with an open connection takes part; each message is moved by one of them, confirmed before it is acked. How
 * often it was tried travels with the message. It pauses longer before each attempt, and is parked after
 * {@link MAX_RESCUES}.
 */
export class UnroutableForwarder {
  readonly #broker: AmqpBroker
  readonly #environment: UnroutableEnvironment
  readonly #topology: ReturnType<AmqpBroker['newTopology']>
  readonly #mending: ReturnType<AmqpBroker['newTopology']>
  readonly #known = new Map<string, { problem: Promise<Problem | undefined>; until: number }>()
  readonly #running = new Set<Promise<void>>()
  readonly #pauses = new BoundedPauses(MAX_PAUSING)
  #mendedAt = -Infinity
  #closing = false
  #subscription: Awaited<ReturnType<AmqpBroker['watch']>> | undefined

  constructor(broker: AmqpBroker, environment: UnroutableEnvironment) {
    this.#broker = broker
    this.#environment = environment
    this.#topology = broker.newTopology()
    this.#mending = broker.newTopology()
  }

  /** Does nothing for a user who may not read the queue: another process will. */
  async start(): Promise<this> {
    try {
      this.#subscription = await this.#broker.watch(this.#broker.names.unroutable, PREFETCH, (arrival) => {
        const running = this.#forward(arrival).finally(() => this.#running.delete(running))
        this.#running.add(running)
      })
    } catch (error) {
      const { topology, names } = this.#broker
      if (isDuequeError(error, 'DESTINATION_MISSING')) throw topology.returned(names.unroutable) ?? error
      if (!isDuequeError(error, 'PERMISSION_DENIED')) throw error
      this.#environment.logger.info('this user cannot rescue unroutable messages', { error: error.message })
    }
    return this
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.#subscription?.cancel()
    this.#pauses.end()
    // What they have not acked goes back to the queue.
    await closeInTime(Promise.all(this.#running))
    await this.#subscription?.close()
  }

  /** Never rejects. */
  async #forward(arrival: Arrival): Promise<void> {
    const envelope = decodeEnvelope(arrival)
    await this.#pauses.take(pauseBefore(envelope.rescues))
    if (this.#closing || !arrival.live) return
    try {
      const problem = await this.#sendOn(arrival, envelope)
      if (problem) await this.#park(arrival, envelope, problem)
      arrival.ack()
    } catch (error) {
      await this.#failed(arrival, envelope, error)
    }
  }

  /** @returns why it cannot be sent on, now or later */
  async #sendOn(arrival: Arrival, envelope: Envelope): Promise<Problem | undefined> {
    const { strategy, clock, logger } = this.#environment
    const destination = parseDestination(arrival.headers, arrival.routingKey)
    const now = clock.now()
    if (!destination || isReserved(arrival.routingKey)) return { reason: 'no-destination' }
    if (readyAt(envelope) - now > strategy.limits.maxDelayMs) return { reason: 'invalid-due' }
    const problem = await this.#look(destination, envelope.rescues > 0)
    if (problem) return problem
    if (envelope.rescues >= MAX_RESCUES) return cameBack(this.#broker.hasBound(destination))
    if (readyAt(envelope) > now) this.#mend()
    const message = { ...sentOn(arrival, envelope, destination, now), rescues: envelope.rescues + 1 }
    try {
      await strategy.schedule(message, { declare: false, bind: false })
    } catch (error) {
      if (isForEver(error)) return { reason: 'refused', error: error.message }
      throw error
    }
    logger.info('sent an unroutable message on', { id: envelope.id, to: destinationKey(destination) })
    return undefined
  }

  async #park(arrival: Arrival, { id, name }: Envelope, { reason, error }: Problem): Promise<void> {
    const { clock, logger, onParked } = this.#environment
    await this.#broker.park(arrival, { at: clock.now(), reason, error })
    const to = text(arrival.headers[HEADER.to])
    logger.warn('message parked', { id, to, reason, ...(error !== undefined && { error }) })
    onParked?.({ id, name, to, reason })
  }

  /** Counts as an attempt. The message goes behind the others, so that none waits for it. */
  async #failed(arrival: Arrival, envelope: Envelope, failure: unknown): Promise<void> {
    const attempts = envelope.rescues + 1
    const error = errorText(failure)
    this.#environment.logger.info('could not send an unroutable message on', { id: envelope.id, attempts, error })
    try {
      if (attempts >= MAX_RESCUES) await this.#park(arrival, envelope, { reason: 'failed', error })
      else await this.#broker.unroutable(arrival, attempts)
      arrival.ack()
    } catch {
      // The broker takes nothing now, or not from this user.
      await this.#pauses.take(PAUSE_AFTER_FAILURE_MS)
      arrival.requeue()
    }
  }

  /**
   * What is wrong with a destination. One that this process was told of is bound.
   *
   * @param again the message came back, so that it may be gone since
   */
  #look(destination: Destination, again: boolean): Promise<Problem | undefined> {
    const { clock } = this.#environment
    const key = destinationKey(destination)
    const known = this.#known.get(key)
    const fresh = known && known.until - clock.monotonic() > (again ? LOOK_AGAIN_MS - 200 : 0)
    if (fresh) return known.problem
    if (this.#known.size > 1000) this.#known.clear()
    const problem = this.#lookNow(destination)
    this.#known.set(key, { problem, until: clock.monotonic() + LOOK_AGAIN_MS })
    problem.catch(() => this.#known.delete(key))
    return problem
  }

  async #lookNow(destination: Destination): Promise<Problem | undefined> {
    try {
      this.#topology.forget()
      await this.#topology.assertUsers(destination)
      if (this.#broker.hasBound(destination)) await this.#topology.destination(destination, false)
      else if (!(await this.#topology.exists(destination))) return { reason: 'missing' }
      return undefined
    } catch (error) {
      if (isDuequeError(error, 'DESTINATION_MISSING')) return { reason: 'missing' }
      if (isDuequeError(error, 'RESERVED_NAME')) return { reason: 'reserved' }
      throw error
    }
  }

  /**
   * A message came back before it was due, so that a part of the ladder may be gone. Looks at it on the side: what others
   * know of destinations and rungs stays, and no schedule waits for it.
   */
  #mend(): void {
    const { clock, logger } = this.#environment
    if (clock.monotonic() - this.#mendedAt < MEND_AGAIN_MS) return
    this.#mendedAt = clock.monotonic()
    this.#mending.mend(this.#broker.topology).catch((error: unknown) => {
      logger.debug('could not look at the rungs', { error: errorText(error) })
    })
  }
}

function cameBack(isBound: boolean): Problem {
  return isBound ? { reason: 'failed', error: 'it came back after each attempt' } : { reason: 'not-bound' }
}

/** 0.25, 0.75, 2.25 and 6.75 s before the second to the fifth attempt. What cannot even be parked is not tried in a loop. */
function pauseBefore(attempts: number): number {
  if (attempts === 0 || attempts === MAX_RESCUES) return 0
  return attempts > MAX_RESCUES ? 30_000 : 250 * 3 ** (attempts - 1)
}
