import type { Destination } from '../../message/destination.js'
import type { Rung, Unit } from '../../strategies/ladder/rungs.js'

export type QueueType = 'quorum' | 'classic'

/** Whether dueque declares what it needs, or takes it to be there. */
export type TopologyMode = 'declare' | 'trust'

/** The layout's version: a change that old and new processes could not share gets a new one, and drains beside the old. */
export const LAYOUT = 'v1'

/** Every name and key of the broker layout, for one namespace. docs/wire-format.md shows how they hang together. */
export class Names {
  readonly namespace: string
  readonly prefix: string
  readonly deliver: string
  /** An exchange, and the queue behind it. */
  readonly unroutable: string
  /** Likewise. */
  readonly parked: string
  /** Of the delayed-message plugin: what waits there goes on to `deliver`. */
  readonly delayed: string
  /** The exchange before every dead queue. Unlike `deliver`, it returns what it cannot route. */
  readonly dead: string

  constructor(namespace: string) {
    this.namespace = namespace
    this.prefix = `${namespace}.${LAYOUT}`
    this.deliver = `${this.prefix}.deliver`
    this.unroutable = `${this.prefix}.unroutable`
    this.parked = `${this.prefix}.parked`
    this.delayed = `${this.prefix}.delayed`
    this.dead = `${this.prefix}.dead`
  }

  entry(unit: Unit): string {
    return `${this.prefix}.entry.${unit.name}`
  }

  next(unit: Unit): string {
    return `${this.prefix}.next.${unit.name}`
  }

  /** Arguments are immutable, so the name carries what they depend on. */
  wait(rung: Rung, variant: RungVariant): string {
    return `${this.prefix}.wait.${variantName(rung, variant)}`
  }

  /** The mark of a rung that is old enough to be relied on. */
  safe(rung: Rung, variant: RungVariant): string {
    return `${this.prefix}.safe.${variantName(rung, variant)}`
  }

  outlet(exchange: string): string {
    return `${this.prefix}.to.${exchange}`
  }

  /** The outlet in front of a queue. */
  queueOutlet(queue: string): string {
    return `${this.prefix}.to-queue.${queue}`
  }
}

/** The same rung may exist as several queues: of either type, and sharded. */
export interface RungVariant {
  type: QueueType
  shard: number
}

function variantName({ name }: Rung, { type, shard }: RungVariant): string {
  return `${type === 'quorum' ? '' : `${type}.`}${name}${shard === 0 ? '' : `.${shard}`}`
}

/** The key of a rung's queue, in the entry and the next exchange of its unit. */
export function rungKey(rung: Rung, { type, shard }: RungVariant): string {
  return `dq~${rung.name}${type === 'quorum' ? '' : `~${type}`}${shard === 0 ? '' : `~${shard}`}`
}

/** The key for a unit in which nothing is waited, but in a larger one. */
export function zeroKey(unit: Unit): string {
  return `dq~0${unit.name}`
}

/** The key for a path that ends before a unit: from it on nothing is waited. Spares the look-ups in the larger ones. */
export function endKey(unit: Unit): string {
  return `dq~end~${unit.name}`
}

/** The key of a destination, in the deliver exchange. */
export function destinationKey({ queue, exchange, outlet }: Destination): string {
  if (queue === undefined) return `dq~exchange~${exchange}`
  return `dq~${outlet ? 'outlet' : 'queue'}~${queue}`
}

export function deadQueue(queue: string): string {
  return `${queue}.dead`
}
