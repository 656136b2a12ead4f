import { invalidOption } from '../errors.js'
import type { Resolved } from '../resolved.js'

/** How a relay takes due messages from a store. */
export interface RelayOptions {
  /** Messages claimed at a time at most. @default 500 */
  batch?: number | undefined
  /** Messages that are claimed and not settled, at most. @default 2000 */
  maxInFlight?: number | undefined
  /** Messages that it takes a second at most, to be gentle to what consumes them. @default Infinity */
  ratePerSecond?: number | undefined
  /**
   * For how long what a relay has claimed is kept from others, in milliseconds. So late are the messages of a relay that
   * died; and who publishes for longer than this may deliver twice. @default 15_000
   */
  leaseMs?: number | undefined
  /** After so many milliseconds the store is looked at although nothing woke the relay. @default 5000 */
  backstopMs?: number | undefined
}

const NUMBERS = [
  ['batch', 1, 10_000],
  ['maxInFlight', 1, 65_535],
  ['leaseMs', 1000, 3_600_000],
  ['backstopMs', 10, 3_600_000],
] as const

/** @throws DuequeError `INVALID_OPTION` */
export function resolveRelay(options: RelayOptions): Resolved<RelayOptions> {
  const { batch = 500, maxInFlight = 2000, ratePerSecond = Infinity, leaseMs = 15_000, backstopMs = 5000 } = options
  const resolved = { batch, maxInFlight, ratePerSecond, leaseMs, backstopMs }
  for (const [option, least, most] of NUMBERS) {
    const value = resolved[option]
    if (Number.isInteger(value) && value >= least && value <= most) continue
    throw invalidOption(`relay.${option}`, `a whole number from ${least} to ${most}`, value)
  }
  if (typeof ratePerSecond !== 'number' || !(ratePerSecond > 0))
    throw invalidOption('relay.ratePerSecond', 'a number over zero', ratePerSecond)
  return resolved
}
