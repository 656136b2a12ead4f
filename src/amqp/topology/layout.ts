import { UNITS, allRungs, type Rung } from '../../strategies/ladder/rungs.js'
import {
  deadQueue,
  destinationKey,
  endKey,
  rungKey,
  zeroKey,
  type Names,
  type QueueType,
  type RungVariant,
} from './names.js'

export type Arguments = Readonly<Record<string, unknown>>

export interface ExchangePart {
  readonly kind: 'exchange'
  readonly name: string
  readonly type: string
  readonly arguments: Arguments
  /** Whether it goes with its last binding. */
  readonly autoDelete?: boolean
}

export interface QueuePart {
  readonly kind: 'queue'
  readonly name: string
  readonly arguments: Arguments
}

/** Of a queue or an exchange, to the exchange `from`. */
export interface BindingPart {
  readonly kind: 'binding'
  readonly from: string
  readonly to: 'queue' | 'exchange'
  readonly name: string
  readonly key: string
  /** Only for bindings of users: headers exchanges have them. */
  readonly arguments?: Arguments
}

/** One thing of the broker layout. All of them are durable. */
export type Part = ExchangePart | QueuePart | BindingPart

/** Of the delayed-message plugin. */
export const DELAYED_TYPE = 'x-delayed-message'

/**
 * How often a work queue gives a message that was never acked to a consumer again, before it goes to the dead queue. Far
 * more than cut connections come to, each of which counts; consumers count processes that end by themselves. Explicit,
 * because 4.x has 20. See docs/decisions/040-cut-connections-are-no-attempts.md.
 */
const DELIVERY_LIMIT = 1000
/** Looking into a parking or dead queue must not wear its messages out. 3.10 takes no negative limit. */
const NO_DELIVERY_LIMIT = 2 ** 31 - 1

const QUORUM = { 'x-queue-type': 'quorum', 'x-queue-leader-locator': 'balanced' }
/** Needed together: with another overflow the broker falls back to at-most-once. rabbit_quorum_queue:dlh/5. */
const AT_LEAST_ONCE = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

/** What the broker layout consists of, in the order in which it can be declared: docs/wire-format.md. */
export class Layout {
  readonly names: Names
  readonly queueType: QueueType

  constructor(names: Names, queueType: QueueType) {
    this.names = names
    this.queueType = queueType
  }

  /** The exchange in which what is due finds its way, and the queues for what does not. */
  base(): Part[] {
    const { deliver, unroutable, parked, dead } = this.names
    return [
      exchange(unroutable, 'fanout'),
      queue(unroutable, this.#storage()),
      exchange(parked, 'fanout'),
      queue(parked, this.#storage()),
      queueBinding(parked, parked, ''),
      exchange(dead, 'direct'),
      queueBinding(unroutable, unroutable, ''),
      exchange(deliver, 'direct', { 'alternate-exchange': unroutable }),
    ]
  }

  /** The ladder's exchanges, without its rungs. Needs the base. */
  ladder(): Part[] {
    const { names } = this
    const larger = UNITS.slice(1)
    return [
      // No alternate exchange here: a publish for which a rung is missing must come back.
      ...UNITS.map((unit) => exchange(names.entry(unit), 'direct')),
      ...larger.map((unit) => exchange(names.next(unit), 'direct', { 'alternate-exchange': names.unroutable })),
      ...larger.flatMap((unit, i) => [
        exchangeBinding(larger[i + 1] ? names.next(larger[i + 1]!) : names.deliver, names.next(unit), zeroKey(unit)),
        exchangeBinding(names.deliver, names.next(unit), endKey(unit)),
      ]),
    ]
  }

  /** Needs the ladder. */
  rung(rung: Rung, variant: RungVariant): Part[] {
    const { names } = this
    const wait = names.wait(rung, variant)
    const key = rungKey(rung, variant)
    // By name: the rung may be of another copy of dueque.
    const place = UNITS.findIndex(({ name }) => name === rung.unit.name)
    const after = UNITS[place + 1]
    const args = waiting(variant.type, rung.ttlMs, after ? names.next(after) : names.deliver)
    const parts = [queue(wait, args), queueBinding(wait, names.entry(rung.unit), key)]
    return place === 0 ? parts : [...parts, queueBinding(wait, names.next(rung.unit), key)]
  }

  /**
   * The mark of a rung that is old enough to be relied on: docs/decisions/038-old-rungs-are-marked.md. Nobody publishes to
   * it. It goes with the rung, and so with the only binding that it has.
   */
  mark(rung: Rung, variant: RungVariant): [ExchangePart, BindingPart] {
    const mark = this.names.safe(rung, variant)
    return [{ ...exchange(mark, 'fanout'), autoDelete: true }, queueBinding(this.names.wait(rung, variant), mark, '')]
  }

  /** Base, ladder, and all 375 rungs in so many queues each. */
  everything(type: QueueType, shards: number): Part[] {
    const rungs = this.rungs(type, shards).flatMap(({ rung, variant }) => this.rung(rung, variant))
    return [...this.base(), ...this.ladder(), ...rungs]
  }

  /** All 375 rungs, each in so many queues. */
  rungs(type: QueueType, shards: number): { rung: Rung; variant: RungVariant }[] {
    const variants = Array.from({ length: shards }, (_, shard) => ({ type, shard }))
    return variants.flatMap((variant) => allRungs().map((rung) => ({ rung, variant })))
  }

  /**
   * Where messages wait in the delayed-message plugin. Needs the base. It has no alternate exchange: that would get every
   * message at once, since the plugin says "no route" of what it keeps.
   */
  delayed(): [ExchangePart, BindingPart] {
    const { delayed, deliver } = this.names
    return [exchange(delayed, DELAYED_TYPE, { 'x-delayed-type': 'fanout' }), exchangeBinding(deliver, delayed, '')]
  }

  /** A work queue. Its dead queue comes first. Needs the base. */
  workQueue(name: string): Part[] {
    const deadLetters = {
      'x-dead-letter-exchange': this.names.deliver,
      'x-dead-letter-routing-key': destinationKey({ queue: deadQueue(name) }),
    }
    const args =
      this.queueType === 'classic'
        ? { 'x-queue-type': 'classic', ...deadLetters }
        : { ...QUORUM, ...AT_LEAST_ONCE, 'x-delivery-limit': DELIVERY_LIMIT, ...deadLetters }
    return [...this.dead(name), queue(name, args), this.binding(name)]
  }

  /** By which a queue becomes a destination. */
  binding(name: string): Part {
    return queueBinding(name, this.names.deliver, destinationKey({ queue: name }))
  }

  /** The queue for what a consumer of `name` gives up on. */
  dead(name: string): Part[] {
    const dead = deadQueue(name)
    const key = destinationKey({ queue: dead })
    // By way of `deliver` come the broker's own dead letters.
    return [queue(dead, this.#storage()), queueBinding(dead, this.names.dead, key), this.binding(dead)]
  }

  /**
   * At-least-once dead-lettering waits for ever for an exchange that routes nowhere. Its own queue in front of it
   * keeps that from every other destination: see docs/decisions/001-path-in-bcc.md.
   */
  outlet(target: string): Part[] {
    const outlet = this.names.outlet(target)
    const key = destinationKey({ exchange: target, routingKey: '' })
    return [queue(outlet, waiting(this.queueType, 0, target)), queueBinding(outlet, this.names.deliver, key)]
  }

  /**
   * Likewise for a queue that may refuse what is due. By the default exchange, which has a way to every queue; and with a
   * key of its own, because RabbitMQ 3.10 forgets BCC when it tries again. Always a quorum queue: a classic one would drop
   * what is refused.
   */
  queueOutlet(target: string): Part[] {
    const outlet = this.names.queueOutlet(target)
    const args = { ...waiting('quorum', 0, ''), 'x-dead-letter-routing-key': target }
    const key = destinationKey({ queue: target, outlet: true })
    return [queue(outlet, args), queueBinding(outlet, this.names.deliver, key)]
  }

  #storage(): Arguments {
    if (this.queueType === 'classic') return { 'x-queue-type': 'classic' }
    return { ...QUORUM, 'x-delivery-limit': NO_DELIVERY_LIMIT }
  }
}

function waiting(type: QueueType, ttlMs: number, deadLetterExchange: string): Arguments {
  const args = { 'x-message-ttl': ttlMs, 'x-dead-letter-exchange': deadLetterExchange }
  return type === 'classic' ? { 'x-queue-type': type, ...args } : { ...QUORUM, ...AT_LEAST_ONCE, ...args }
}

function exchange(name: string, type: string, args: Arguments = {}): ExchangePart {
  return { kind: 'exchange', name, type, arguments: args }
}

function queue(name: string, args: Arguments): QueuePart {
  return { kind: 'queue', name, arguments: args }
}

function queueBinding(name: string, from: string, key: string): BindingPart {
  return { kind: 'binding', from, to: 'queue', name, key }
}

function exchangeBinding(name: string, from: string, key: string): BindingPart {
  return { kind: 'binding', from, to: 'exchange', name, key }
}
