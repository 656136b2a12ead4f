import type { Arrival } from '../broker.js'
import type { Clock } from '../base/clock.js'
import { isReserved, parseDestination, type Destination } from '../message/destination.js'
import { readyAt } from '../message/delayed-message.js'
import { decodeEnvelope, sentOn, type Envelope } from '../message/envelope.js'
import { readText, HEADER } from '../message/headers.js'
import { errorText, isDuequeError, isForEver } from '../base/errors.js'
import type { ParkedEvent, ParkedReason } from '../events.js'
import type { Logger } from '../base/logger.js'
import type { Strategy } from '../strategies/strategy.js'
import type { AmqpBroker } from '../amqp/amqp-broker.js'
import { destinationKey } from '../amqp/topology/names.js'
import { tickQueue } from '../recurring/recurring-layout.js'
import { PAUSE_AFTER_FAILURE_MS, type Decision, type Route } from './forward.js'
import { Forwarder } from './forwarder.js'

export interface UnroutableEnvironment {
  strategy: Strategy
  clock: Clock
  logger: Logger
  /** A message is safe in the parking queue. */
  onParked?: (event: ParkedEvent) => void
}

/** Attempts to send a message on. After them it is parked. */
export const MAX_ATTEMPTS = 5
const PREFETCH = 100
/** At most so many messages pause at a time, so that others have room beside them. */
const MAX_PAUSING = PREFETCH / 2
/** How long the answer about a destination is used again. */
const LOOK_AGAIN_MS = 2000
/** Rungs are checked at most this often: anybody may send messages that look lost. */
const MEND_AGAIN_MS = 10_000

/** Why a message cannot be sent on. */
interface Problem {
  reason: ParkedReason
  /** What went wrong, beside the reason. */
  error?: string
}

/**
 * Sends unroutable messages on. A broker on Mnesia starts its quorum queues before it has recovered the bindings, so that a
 * restart leaves messages here whose route exists (measured on 3.10.8: 349 of 20,000). So does a deleted rung, and a queue
 * that was declared anew without its binding. Each message is scheduled again by its due time.
 *
 * A destination is bound only if this process consumes it or schedules to it: a message may name a queue that its producer
 * must not reach (docs/decisions/042). Any other destination gets the message if it is bound.
 *
 * Every process with an open connection takes part. Each message is moved by one of them, confirmed before it is acked. The
 * count of attempts travels with the message. It pauses longer before each attempt, and is parked after
 * {@link MAX_ATTEMPTS}.
 */
export class UnroutableForwarder {
  readonly #broker: AmqpBroker
  readonly #environment: UnroutableEnvironment
  readonly #topology: ReturnType<AmqpBroker['newTopology']>
  readonly #known = new Map<string, { problem: Promise<Problem | undefined>; until: number }>()
  readonly #forwarder: Forwarder
  #mendedAt = -Infinity

  constructor(broker: AmqpBroker, environment: UnroutableEnvironment) {
    this.#broker = broker
    this.#environment = environment
    this.#topology = broker.newTopology()
    this.#forwarder = new Forwarder({
      clock: environment.clock,
      route: (arrival) => this.#route(arrival),
      maxPausing: MAX_PAUSING,
    })
  }

  /** Does nothing for a user without the right to read the queue: another process forwards its messages. */
  async start(): Promise<this> {
    try {
      const { unroutable } = this.#broker.names
      await this.#forwarder.start((listener) => this.#broker.watch(unroutable, PREFETCH, listener))
    } catch (error) {
      const { topology, names } = this.#broker
      if (isDuequeError(error, 'DESTINATION_MISSING')) throw topology.returned(names.unroutable) ?? error
      if (!isDuequeError(error, 'PERMISSION_DENIED')) throw error
      this.#environment.logger.info(
        'this user may not read the queue of unroutable messages: another process forwards them',
        { error: error.message },
      )
    }
    return this
  }

  close(): Promise<void> {
    return this.#forwarder.close()
  }

  #route(arrival: Arrival): Route {
    const envelope = decodeEnvelope(arrival)
    let hasFailed = false
    return {
      decide: () => this.#decide(arrival, envelope),
      failed: (error, decision) => {
        // The broker takes no message now, or not from this user.
        if (hasFailed) return { kind: 'give back', pauseMs: PAUSE_AFTER_FAILURE_MS }
        if (decision?.kind === 'forward' && isForEver(error))
          return this.#bury(arrival, envelope, { reason: 'refused', error: error.message })
        hasFailed = true
        return this.#afterFailure(arrival, envelope, errorText(error))
      },
    }
  }

  async #decide(arrival: Arrival, envelope: Envelope): Promise<Decision> {
    const { strategy, clock } = this.#environment
    await this.#forwarder.pause(pauseBefore(envelope.rescues))
    if (this.#forwarder.isClosing || !arrival.live) return { kind: 'give back' }
    const destination = parseDestination(arrival.headers, arrival.routingKey)
    const now = clock.now()
    if (!destination || isReserved(arrival.routingKey))
      return this.#bury(arrival, envelope, { reason: 'no-destination' })
    if (readyAt(envelope) - now > strategy.limits.maxDelayMs)
      return this.#bury(arrival, envelope, { reason: 'invalid-due' })
    const problem = await this.#look(destination, envelope.rescues > 0)
    if (problem) return this.#bury(arrival, envelope, problem)
    if (envelope.rescues >= MAX_ATTEMPTS)
      return this.#bury(arrival, envelope, cameBack(this.#broker.hasBound(destination)))
    if (readyAt(envelope) > now) this.#mend()
    return { kind: 'forward', publish: () => this.#sendOn(arrival, envelope, destination) }
  }

  async #sendOn(arrival: Arrival, envelope: Envelope, destination: Destination): Promise<void> {
    const { strategy, clock, logger } = this.#environment
    const message = { ...sentOn(arrival, envelope, destination, clock.now()), rescues: envelope.rescues + 1 }
    await strategy.schedule(message, { declare: false, bind: false })
    logger.info('sent an unroutable message on', { id: envelope.id, to: destinationKey(destination) })
  }

  #bury(arrival: Arrival, envelope: Envelope, problem: Problem): Decision {
    return { kind: 'bury', publish: () => this.#park(arrival, envelope, problem) }
  }

  async #park(arrival: Arrival, { id, name }: Envelope, { reason, error }: Problem): Promise<void> {
    const { clock, logger, onParked } = this.#environment
    await this.#broker.park(arrival, { at: clock.now(), reason, error })
    const to = readText(arrival.headers[HEADER.to])
    logger.warn('message parked', { id, to, reason, ...(error !== undefined && { error }) })
    onParked?.({ id, name, to, reason })
  }

  /** A failure counts as an attempt. The message goes behind the others, so that it holds up none of them. */
  #afterFailure(arrival: Arrival, envelope: Envelope, error: string): Decision {
    const attempts = envelope.rescues + 1
    this.#environment.logger.info('could not send an unroutable message on', { id: envelope.id, attempts, error })
    if (attempts >= MAX_ATTEMPTS) return this.#bury(arrival, envelope, { reason: 'failed', error })
    return { kind: 'forward', publish: () => this.#broker.unroutable(arrival, attempts) }
  }

  /**
   * What is wrong with a destination. A destination that this process uses is bound.
   *
   * @param again the message came back, so that the destination may be gone since
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
      if (destination.queue !== tickQueue(this.#broker.names)) await this.#topology.assertUsers(destination)
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
   * A message came back before it was due, so a part of the strategy's topology may be gone. No schedule waits for the
   * repair.
   */
  #mend(): void {
    const { clock, logger, strategy } = this.#environment
    if (clock.monotonic() - this.#mendedAt < MEND_AGAIN_MS) return
    this.#mendedAt = clock.monotonic()
    strategy.repair?.().catch((error: unknown) => {
      logger.debug('could not repair what the strategy has declared', { error: errorText(error) })
    })
  }
}

function cameBack(isBound: boolean): Problem {
  return isBound ? { reason: 'failed', error: 'it came back after each attempt' } : { reason: 'not-bound' }
}

/** 0.25, 0.75, 2.25 and 6.75 s before the second to the fifth attempt; long for a message that could not be parked. */
function pauseBefore(attempts: number): number {
  if (attempts === 0 || attempts === MAX_ATTEMPTS) return 0
  return attempts > MAX_ATTEMPTS ? 30_000 : 250 * 3 ** (attempts - 1)
}
