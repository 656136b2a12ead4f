import { DuequeError } from '../../base/errors.js'
import { endKey, rungKey, zeroKey } from './path-keys.js'
import { digitsOf, sumFor, type Window } from './path.js'
import { rungsOf, UNITS, type Rung, type RungVariant } from './rungs.js'
import { MAX_DELAY_MS } from '../../message/due.js'

/** A wait on the ladder, and what it is called on the broker. */
export interface Route {
  /** Smallest first; none when the wait is over. */
  readonly rungs: readonly Rung[]
  /** What they add up to. */
  readonly waitMs: number
  readonly variant: RungVariant
  /** Of the rungs. */
  readonly rungKeys: readonly string[]
  /** One key for each unit from the first rung's to the last one's, then its end. */
  readonly keys: readonly string[]
}

/** More than these, about 0.8 kB each, are forgotten and made anew. */
const MAX_ROUTES = 2000

/** The routes of late: a service uses few delays over and over, and all that differs is the destination. */
export class Routes {
  readonly #known = new Map<number, Route>()
  readonly #type: RungVariant['type']

  constructor(type: RungVariant['type']) {
    this.#type = type
  }

  /** @throws DuequeError `DELAY_OUT_OF_RANGE` */
  get(window: Window, shard: number): Route {
    const sum = waitOf(window)
    // There are 64 shards at most.
    const key = sum * 64 + shard
    const known = this.#known.get(key)
    if (known) return known
    if (this.#known.size === MAX_ROUTES) this.#known.clear()
    const route = routeOf(sum, { type: this.#type, shard })
    this.#known.set(key, route)
    return route
  }
}

/** The way through a wait. @throws DuequeError `DELAY_OUT_OF_RANGE` */
export function routeFor(window: Window, variant: RungVariant): Route {
  return routeOf(waitOf(window), variant)
}

/** What the rungs add up to; 0 when the wait is over. */
function waitOf({ leastMs, toleranceMs }: Window): number {
  if (leastMs <= 0) return 0
  if (leastMs <= MAX_DELAY_MS) return sumFor(leastMs, toleranceMs)
  const data = { delayMs: leastMs, maxDelayMs: MAX_DELAY_MS }
  throw new DuequeError('DELAY_OUT_OF_RANGE', `due in ${leastMs} ms`, data)
}

function routeOf(sum: number, variant: RungVariant): Route {
  const rungs = rungsOf(digitsOf(sum))
  const rungKeys = rungs.map((rung) => rungKey(rung, variant))
  return { rungs, waitMs: sum, variant, rungKeys, keys: keysOf(rungs, rungKeys) }
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
