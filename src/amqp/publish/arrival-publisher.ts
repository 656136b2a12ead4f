import { isDuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { ParkedReason } from '../../events.js'
import { deathHeaders, MAX_DEATH_TEXT, type Death } from '../../message/death.js'
import { destinationText, isReserved } from '../../message/destination.js'
import type { Arrived } from '../../message/envelope.js'
import { HEADER, passedOn } from '../../message/headers.js'
import { deadQueue, destinationKey, type Names } from '../topology/names.js'
import type { Topology } from '../topology/topology.js'
import { writable } from './field-table.js'
import type { DeliveryOptions, PublishPlan } from './publication.js'
import type { Publisher } from './publisher.js'

export interface Parking {
  /** Milliseconds since the epoch. */
  at: number
  reason: ParkedReason
  error: string | undefined
}

/** The parts of a broker that are used here. */
interface Context {
  readonly names: Names
  readonly topology: Topology
  readonly publisher: Publisher
}

/** How one arrival is published again. */
interface Republishing {
  readonly exchange: string
  /** Beside those that it arrived with. */
  readonly headers: Record<string, unknown>
  /** Declares the queue; undefined if nothing is missing. */
  readonly declaring: () => Promise<void> | undefined
  readonly safeAt: () => number
  readonly options: DeliveryOptions
}

/** Publishes arrivals again, unchanged but for a few headers. Each method resolves once the message is safe. */
export class ArrivalPublisher {
  readonly #context: Context
  readonly #logger: Logger

  constructor(context: Context, logger: Logger) {
    this.#context = context
    this.#logger = logger
  }

  /** Into the dead queue of `queue`. */
  toDead(queue: string, arrived: Arrived, death: Death, options: DeliveryOptions): Promise<void> {
    const { topology, names } = this.#context
    const dead = { queue: deadQueue(queue) }
    return this.#publish(arrived, {
      exchange: names.dead,
      headers: {
        ...(arrived.headers[HEADER.to] === undefined && { [HEADER.to]: destinationText({ queue }) }),
        ...deathHeaders(death),
        BCC: [destinationKey(dead)],
      },
      declaring: () => (topology.isReady(dead, []) ? undefined : topology.dead(queue)),
      safeAt: () => topology.safeAt(dead, []),
      options,
    })
  }

  /**
   * Into a work queue, by the exchange for due messages.
   *
   * @throws DuequeError `NOT_ENCODABLE`, `MESSAGE_REFUSED` for headers that RabbitMQ does not take again
   */
  async toQueue(queue: string, arrived: Arrived, options: DeliveryOptions): Promise<void> {
    const { topology, names } = this.#context
    const to = { queue }
    await this.#publishAs(arrived, {
      exchange: names.deliver,
      headers: { [HEADER.to]: destinationText(to), BCC: [destinationKey(to)] },
      declaring: () => (topology.isReady(to, []) ? undefined : topology.destination(to, false)),
      safeAt: () => topology.safeAt(to, []),
      options,
    })
  }

  /** Into the queue for parked messages. */
  toParked(arrived: Arrived, { at, reason, error }: Parking): Promise<void> {
    const headers = {
      [HEADER.parkedAt]: at,
      [HEADER.parkedReason]: reason,
      // Undefined replaces the text of an earlier parking.
      [HEADER.parkedError]: error?.slice(0, MAX_DEATH_TEXT),
    }
    return this.#publish(arrived, this.#toBase(this.#context.names.parked, headers))
  }

  /** Into the queue for unroutable messages, behind the others: nothing is bound with its routing key. */
  toUnroutable(arrived: Arrived, attempts: number): Promise<void> {
    return this.#publish(arrived, this.#toBase(this.#context.names.deliver, { [HEADER.rescues]: attempts }))
  }

  /** To a queue that every process declares. */
  #toBase(exchange: string, headers: Record<string, unknown>): Republishing {
    const { topology } = this.#context
    const declaring = () => (topology.hasBase ? undefined : topology.base())
    return { exchange, headers, declaring, safeAt: () => 0, options: {} }
  }

  /**
   * A foreign producer may have sent headers that amqplib reads and cannot write, or that RabbitMQ does not take again. The
   * body is then published without the producer's own headers and properties.
   */
  async #publish(arrived: Arrived, republishing: Republishing): Promise<void> {
    try {
      await this.#publishAs(arrived, republishing)
    } catch (error) {
      if (!isDuequeError(error, 'NOT_ENCODABLE') && !isDuequeError(error, 'MESSAGE_REFUSED')) throw error
      const { headers } = republishing
      // The stack alone may be too much for the headers.
      if (headers[HEADER.stack] !== undefined)
        return this.#publish(arrived, { ...republishing, headers: { ...headers, [HEADER.stack]: undefined } })
      this.#logger.warn('moved without its headers', { routingKey: arrived.routingKey, error: error.message })
      await this.#publishAs(withoutForeignHeaders(arrived), republishing)
    }
  }

  #publishAs(arrived: Arrived, { exchange, headers, declaring, safeAt, options }: Republishing): Promise<void> {
    const { expiration: _, userId: __, ...properties } = arrived.properties
    const frame = {
      exchange,
      // RabbitMQ would route by a reserved key as well.
      routingKey: isReserved(arrived.routingKey) ? '' : arrived.routingKey,
      options: {
        ...properties,
        headers: { ...writable(passedOn(arrived.headers)), ...headers },
        deliveryMode: 2,
        mandatory: true,
      },
    }
    const message = {
      id: properties['messageId'],
      revision: arrived.headers[HEADER.revision],
      body: arrived.body,
    }
    const plan: PublishPlan = { prepare: () => declaring() ?? frame, safeAt }
    return this.#context.publisher.publish(message, plan, options)
  }
}

/** The headers and properties that dueque writes, if they are short and of a plain type. */
function withoutForeignHeaders(arrived: Arrived): Arrived {
  const isPlain = (value: unknown) =>
    Number.isSafeInteger(value) || (typeof value === 'string' && Buffer.byteLength(value) <= 255)
  const keep = (from: Readonly<Record<string, unknown>>, names: readonly string[]) =>
    Object.fromEntries(names.filter((name) => isPlain(from[name])).map((name) => [name, from[name]]))
  const properties = keep(arrived.properties, ['messageId', 'type', 'contentType', 'correlationId'])
  // A routing key that is not UTF-8 is longer once it was read.
  const routingKey = isPlain(arrived.routingKey) ? arrived.routingKey : ''
  return { ...arrived, routingKey, properties, headers: keep(arrived.headers, Object.values(HEADER)) }
}
