import type { Names, QueueType } from '../../amqp/topology/names.js'
import {
  exchange,
  exchangeBinding,
  queue,
  queueBinding,
  type BindingPart,
  type ExchangePart,
  type Part,
} from '../../amqp/topology/part.js'
import { waitArguments } from '../../amqp/topology/queue-arguments.js'
import { LadderNames } from './ladder-names.js'
import { endKey, rungKey, zeroKey } from './path-keys.js'
import { rungVariants, UNITS, type Rung, type RungVariant } from './rungs.js'

/** The ladder's parts, in the order in which they can be declared: docs/wire-format.md. They need the base layout. */
export class LadderLayout {
  readonly names: LadderNames
  readonly #base: Names

  constructor(names: Names) {
    this.names = new LadderNames(names)
    this.#base = names
  }

  /** The entry and next exchanges, without the rungs. */
  exchanges(): Part[] {
    const { names } = this
    const { deliver, unroutable } = this.#base
    const larger = UNITS.slice(1)
    return [
      // No alternate exchange here: a publish for which a rung is missing must come back.
      ...UNITS.map((unit) => exchange(names.entry(unit), 'direct')),
      ...larger.map((unit) => exchange(names.next(unit), 'direct', { 'alternate-exchange': unroutable })),
      ...larger.flatMap((unit, i) => [
        exchangeBinding(larger[i + 1] ? names.next(larger[i + 1]!) : deliver, names.next(unit), zeroKey(unit)),
        exchangeBinding(deliver, names.next(unit), endKey(unit)),
      ]),
    ]
  }

  /** The queue of a rung with its bindings. Needs the exchanges. */
  rung(rung: Rung, variant: RungVariant): Part[] {
    const { names } = this
    const wait = names.wait(rung, variant)
    const key = rungKey(rung, variant)
    // By name: the rung may be of another copy of dueque.
    const place = UNITS.findIndex(({ name }) => name === rung.unit.name)
    const after = UNITS[place + 1]
    const args = waitArguments(variant.type, rung.ttlMs, after ? names.next(after) : this.#base.deliver)
    const parts = [queue(wait, args), queueBinding(wait, names.entry(rung.unit), key)]
    return place === 0 ? parts : [...parts, queueBinding(wait, names.next(rung.unit), key)]
  }

  /**
   * The mark of a rung that is old enough to be relied on: docs/decisions/038-old-rungs-are-marked.md. No message is
   * published to it. RabbitMQ deletes it with its only binding, and that with the rung's queue.
   */
  mark(rung: Rung, variant: RungVariant): [ExchangePart, BindingPart] {
    const mark = this.names.safe(rung, variant)
    return [{ ...exchange(mark, 'fanout'), autoDelete: true }, queueBinding(this.names.wait(rung, variant), mark, '')]
  }

  /** The exchanges and all 375 rungs, each in so many queues. */
  everything(type: QueueType, shards: number): Part[] {
    const rungs = rungVariants([type], shards).flatMap(({ rung, variant }) => this.rung(rung, variant))
    return [...this.exchanges(), ...rungs]
  }
}
