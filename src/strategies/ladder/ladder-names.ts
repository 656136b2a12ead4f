import type { Names } from '../../amqp/topology/names.js'
import { rungVariants, type Rung, type RungVariant, type Unit } from './rungs.js'

/** The names of the ladder's exchanges and queues in one namespace: docs/wire-format.md. */
export class LadderNames {
  readonly #prefix: string

  constructor({ prefix }: Pick<Names, 'prefix'>) {
    this.#prefix = prefix
  }

  /** The exchange to which a message is published whose first rung is of this unit. */
  entry(unit: Unit): string {
    return `${this.#prefix}.entry.${unit.name}`
  }

  /** The exchange to which the rungs of the smaller units hand their messages on. */
  next(unit: Unit): string {
    return `${this.#prefix}.next.${unit.name}`
  }

  /** The queue of a rung. Arguments are immutable, so the name carries what they depend on. */
  wait(rung: Rung, variant: RungVariant): string {
    return `${this.#prefix}.wait.${variantName(rung, variant)}`
  }

  /** The mark of a rung that is old enough to be relied on. */
  safe(rung: Rung, variant: RungVariant): string {
    return `${this.#prefix}.safe.${variantName(rung, variant)}`
  }
}

function variantName({ name }: Rung, { type, shard }: RungVariant): string {
  return `${type === 'quorum' ? '' : `${type}.`}${name}${shard === 0 ? '' : `.${shard}`}`
}

/** Reads the names of wait queues: the way back of {@link LadderNames.wait}. */
export function rungReader(names: LadderNames): (queue: string) => { rung: Rung; variant: RungVariant } | undefined {
  const rungs = new Map(rungVariants(['quorum', 'classic'], 1).map((one) => [names.wait(one.rung, one.variant), one]))
  return (queue) => {
    const [, unsharded = queue, shard = '0'] = /^(.*)\.([1-9]\d*)$/.exec(queue) ?? []
    const found = rungs.get(unsharded)
    return found && { rung: found.rung, variant: { ...found.variant, shard: Number(shard) } }
  }
}
