import type { QueueType } from '../../amqp/topology/names.js'

/**
 * The rungs of the ladder: wait queues with one fixed TTL each, in human units, so that human delays take one or two of
 * them and read well in the management UI. A delay is written in this mixed radix; each non-zero digit is a rung.
 */
export interface Unit {
  readonly name: 'ms' | 's' | 'm' | 'h' | 'd' | 'c'
  /** The value of one step of the digit. */
  readonly stepMs: number
  /** The largest digit. */
  readonly top: number
  /** The number in the rung's name for one step of the digit, and the letters behind it. */
  readonly shown: readonly [factor: number, suffix: string]
}

/** Smallest first: the order in which a message visits them. See docs/decisions/002-smallest-unit-first.md. */
export const UNITS: readonly Unit[] = [
  { name: 'ms', stepMs: 10, top: 99, shown: [10, 'ms'] },
  { name: 's', stepMs: 1000, top: 59, shown: [1, 's'] },
  { name: 'm', stepMs: 60_000, top: 59, shown: [1, 'm'] },
  { name: 'h', stepMs: 3_600_000, top: 23, shown: [1, 'h'] },
  { name: 'd', stepMs: 86_400_000, top: 99, shown: [1, 'd'] },
  { name: 'c', stepMs: 8_640_000_000, top: 36, shown: [100, 'd'] },
]

export interface Rung {
  readonly unit: Unit
  readonly digit: number
  /** `30m`, `250ms`, `300d`. */
  readonly name: string
  readonly ttlMs: number
}

/** By unit and digit: the hot path looks rungs up instead of making them. */
const RUNGS: readonly (readonly Rung[])[] = UNITS.map((unit) => {
  const [factor, suffix] = unit.shown
  const make = (_: unknown, digit: number) => ({
    unit,
    digit,
    name: `${digit * factor}${suffix}`,
    ttlMs: digit * unit.stepMs,
  })
  return Array.from({ length: unit.top + 1 }, make)
})

/** The rungs of a wait, smallest unit first. */
export function rungsOf(digits: readonly number[]): Rung[] {
  const rungs: Rung[] = []
  for (let i = 0; i < digits.length; i++) if (digits[i]! > 0) rungs.push(RUNGS[i]![digits[i]!]!)
  return rungs
}

/** Smallest first. */
export function rungsOfUnit(unit: Unit): readonly Rung[] {
  // By name: the unit may be of another copy of dueque.
  return RUNGS[UNITS.findIndex(({ name }) => name === unit.name)]!.slice(1)
}

/** All 375 of them. */
export function allRungs(): Rung[] {
  return RUNGS.flatMap((rungs) => rungs.slice(1))
}

/** The same rung may exist as several queues: of either type, and sharded. */
export interface RungVariant {
  type: QueueType
  shard: number
}

/** One queue of a rung. */
export interface RungQueue {
  readonly rung: Rung
  readonly variant: RungVariant
}

/** Every queue of a rung that there can be: of these types, with so many shards of each. */
export function rungVariants(types: readonly QueueType[], shards: number): RungQueue[] {
  return Array.from({ length: shards }, (_, shard) =>
    types.flatMap((type) => allRungs().map((rung) => ({ rung, variant: { type, shard } }))),
  ).flat()
}
