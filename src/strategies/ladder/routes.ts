import { DuequeError } from '../../base/errors.js'
import { MAX_DELAY_MS } from '../../message/due.js'
import { endKey, rungKey, zeroKey } from './path-keys.js'
import { digitsOf, sumFor, type WaitRange } from './path.js'
import { rungsOf, UNITS, type Rung, type RungQueue, type RungVariant } from './rungs.js'
import { shardOf, SHARD_CHOICES, shardChoice } from './shards.js'

/** The rungs of one wait, and the routing keys that lead through them. */
export interface Route {
  /** Smallest rung first. Empty if there is no wait. */
  readonly queues: readonly RungQueue[]
  /** The sum of the rungs. */
  readonly waitMs: number
  /** The key of each rung. */
  readonly rungKeys: readonly string[]
  /** One key for each unit from the first rung's to the last one's, then its end. */
  readonly keys: readonly string[]
}

/** A route takes about 0.8 kB. With more than these, all are forgotten and made anew. */
const MAX_ROUTES = 2000

/** Keeps the latest routes: a service uses few delays over and over, and only the destinations differ. */
export class Routes {
  readonly #known = new Map<number, Route>()
  readonly #type: RungVariant['type']
  readonly #shards: number

  constructor(type: RungVariant['type'], shards: number) {
    this.#type = type
    this.#shards = shards
  }

  /**
   * @param turn a number that counts messages
   * @param end of the wait, in milliseconds since the epoch
   * @throws DuequeError `DELAY_OUT_OF_RANGE`
   */
  get(range: WaitRange, turn: number, end: number): Route {
    const sum = waitOf(range)
    const choice = this.#shards === 1 ? 0 : shardChoice(sum, turn % this.#shards, end)
    const key = sum * SHARD_CHOICES + choice
    const known = this.#known.get(key)
    if (known) return known
    if (this.#known.size === MAX_ROUTES) this.#known.clear()
    const route = routeOf(sum, (rung) => ({ type: this.#type, shard: shardOf(rung, choice, this.#shards) }))
    this.#known.set(key, route)
    return route
  }
}

/** The route of a wait, in one variant. @throws DuequeError `DELAY_OUT_OF_RANGE` */
export function routeFor(range: WaitRange, variant: RungVariant): Route {
  return routeOf(waitOf(range), () => variant)
}

/** The sum of the rungs; 0 if there is no wait. */
function waitOf({ leastMs, toleranceMs }: WaitRange): number {
  if (leastMs <= 0) return 0
  if (leastMs <= MAX_DELAY_MS) return sumFor(leastMs, toleranceMs)
  const data = { delayMs: leastMs, maxDelayMs: MAX_DELAY_MS }
  throw new DuequeError('DELAY_OUT_OF_RANGE', `due in ${leastMs} ms`, data)
}

function routeOf(sum: number, variantOf: (rung: Rung) => RungVariant): Route {
  const rungs = rungsOf(digitsOf(sum))
  const queues = rungs.map((rung) => ({ rung, variant: variantOf(rung) }))
  const rungKeys = queues.map(({ rung, variant }) => rungKey(rung, variant))
  return { queues, waitMs: sum, rungKeys, keys: keysOf(rungs, rungKeys) }
}

function keysOf(rungs: readonly Rung[], rungKeys: readonly string[]): string[] {
  const [first] = rungs
  if (!first) return []
  const keys: string[] = []
  let next = 0
  for (const unit of UNITS.slice(UNITS.indexOf(first.unit))) {
    if (next === rungs.length) {
      keys.push(endKey(unit))
      break
    }
    keys.push(rungs[next]!.unit === unit ? rungKeys[next++]! : zeroKey(unit))
  }
  return keys
}
