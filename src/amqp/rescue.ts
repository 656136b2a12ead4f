import { setTimeout as pause } from 'node:timers/promises'
import type { Arrival } from '../broker.js'
import type { Clock } from '../clock.js'
import { isReserved, parseDestination, type Destination } from '../destination.js'
import { decodeEnvelope, readyAt, sentOn, type Envelope } from '../envelope.js'
import { DuequeError, errorText, isDuequeError, isForEver } from '../errors.js'
import type { Logger } from '../logger.js'
import type { Strategy } from '../strategies/strategy.js'
import type { AmqpBroker } from './amqp-broker.js'
import { goodbye } from './goodbye.js'
import { destinationKey } from './names.js'

export interface RescueEnvironment {
  strategy: Strategy
  clock: Clock
  logger: Logger
}

/** After so many times a message is parked, whatever the reason. */
const MAX_RESCUES = 5
const PREFETCH = 100
/** How long what was seen of a destination, or of the ladder, is taken to be true. */
const LOOK_AGAIN_MS = 2000
const PAUSE_AFTER_FAILURE_MS = 1000

/**
 * Sends on what an exchange had no route for. A broker on Mnesia starts its quorum queues before it has recovered the
 * bindings, so that a restart leaves messages here whose route exists (measured on 3.10.8: 349 of 20,000); so does a rung
 * that was deleted, and a queue that was declared anew without its binding. Each message is sent again, from where it
 * stands by its due time, after its destination was looked for and bound. What has no destination is parked.
 *
 * Every process with an open connection takes part; each message is moved by one of them, confirmed before it is acked.
 */
export class Rescue {
  readonly #broker: AmqpBroker
  readonly #environment: RescueEnvironment
  readonly #topology: ReturnType<AmqpBroker['newTopology']>
  readonly #known = new Map<string, { exists: Promise<boolean>; until: number }>()
  readonly #running = new Set<Promise<void>>()
  #lookedAt = -Infinity
  #subscription: Awaited<ReturnType<AmqpBroker['watch']>> | undefined

  constructor(broker: AmqpBroker, environment: RescueEnvironment) {
    this.#broker = broker
    this.#environment = environment
    this.#topology = broker.newTopology()
  }

  /** Does nothing for a user who may not read the queue: another process will. */
  async start(): Promise<this> {
    try {
      this.#subscription = await this.#broker.watch(this.#broker.names.unroutable, PREFETCH, (arrival) => {
        const running = this.#rescue(arrival).finally(() => this.#running.delete(running))
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
    await this.#subscription?.cancel()
    // What they have not acked goes back to the queue.
    await goodbye(Promise.all(this.#running))
    await this.#subscription?.close()
  }

  /** Never rejects. */
  async #rescue(arrival: Arrival): Promise<void> {
    const { strategy, clock, logger } = this.#environment
    const envelope = decodeEnvelope(arrival)
    const destination = parseDestination(arrival.headers, arrival.routingKey)
    const now = clock.now()
    try {
      if (envelope.rescues >= MAX_RESCUES || !destination || isReserved(arrival.routingKey)) {
        await this.#park(arrival, 'it does not say where it belongs, or was sent again too often')
      } else if (readyAt(envelope) - now > strategy.limits.maxDelayMs) {
        await this.#park(arrival, 'its due time is none that a message can wait for')
      } else if (!(await this.#exists(destination, envelope.rescues > 0))) {
        await this.#park(arrival, 'its destination does not exist')
      } else {
        if (readyAt(envelope) > now) this.#lookAgain()
        await this.#sendOn(arrival, envelope, destination)
      }
      arrival.ack()
    } catch (error) {
      logger.warn('could not move an unroutable message', { id: envelope.id, error: errorText(error) })
      await pause(PAUSE_AFTER_FAILURE_MS)
      arrival.requeue()
    }
  }

  async #sendOn(arrival: Arrival, envelope: Envelope, destination: Destination): Promise<void> {
    const { strategy, clock, logger } = this.#environment
    const message = { ...sentOn(arrival, envelope, destination, clock.now()), rescues: envelope.rescues + 1 }
    try {
      await strategy.schedule(message, { declare: false })
      logger.info('sent an unroutable message on', { id: envelope.id, to: destinationKey(destination) })
    } catch (error) {
      if (!isForEver(error)) throw error
      await this.#park(arrival, error.message)
    }
  }

  async #park(arrival: Arrival, why: string): Promise<void> {
    await this.#broker.park(arrival, this.#environment.clock.now())
    const { headers, properties } = arrival
    this.#environment.logger.warn('message parked', { id: properties['messageId'], to: headers['dueque-to'], why })
  }

  /**
   * Binds it, if it does.
   *
   * @param again the message came back although it did, so that it may be gone since
   */
  #exists(destination: Destination, again: boolean): Promise<boolean> {
    const { clock } = this.#environment
    const key = destinationKey(destination)
    const known = this.#known.get(key)
    const fresh = known && known.until - clock.monotonic() > (again ? LOOK_AGAIN_MS - 200 : 0)
    if (fresh) return known.exists
    if (this.#known.size > 1000) this.#known.clear()
    this.#topology.forget()
    const exists = this.#bind(destination)
    this.#known.set(key, { exists, until: clock.monotonic() + LOOK_AGAIN_MS })
    return exists
  }

  async #bind(destination: Destination): Promise<boolean> {
    try {
      await this.#topology.destination(destination, false)
      return true
    } catch (error) {
      if (error instanceof DuequeError && error.code === 'DESTINATION_MISSING') return false
      this.#known.delete(destinationKey(destination))
      throw error
    }
  }

  /** It came back before it was due, so that a part of the ladder may be gone. */
  #lookAgain(): void {
    const now = this.#environment.clock.monotonic()
    if (now - this.#lookedAt < LOOK_AGAIN_MS) return
    this.#lookedAt = now
    this.#broker.topology.forget()
  }
}
