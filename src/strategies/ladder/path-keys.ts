import type { Rung, RungVariant, Unit } from './rungs.js'

/** The key of a rung's queue, in the entry and the next exchange of its unit. */
export function rungKey(rung: Rung, { type, shard }: RungVariant): string {
  return `dq~${rung.name}${type === 'quorum' ? '' : `~${type}`}${shard === 0 ? '' : `~${shard}`}`
}

/** The key for a unit in which a message does not wait, though it waits in a larger one. */
export function zeroKey(unit: Unit): string {
  return `dq~0${unit.name}`
}

/** The key for a path that ends before this unit. It spares the look-ups in the larger units. */
export function endKey(unit: Unit): string {
  return `dq~end~${unit.name}`
}
