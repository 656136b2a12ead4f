import { checkOptions, group, integer, type Rule, type Rules } from '../../base/checks.js'
import type { WithDefaults } from '../../base/with-defaults.js'

/** How a relay takes due messages from a store. */
export interface RelayOptions {
  /** Messages claimed at a time at most. @default 500 */
  batch?: number | undefined
  /** Messages that are claimed and not settled, at most. @default 2000 */
  maxInFlight?: number | undefined
  /** Messages that it takes a second at most, to spare their consumers. @default Infinity */
  ratePerSecond?: number | undefined
  /**
   * For how long a claim keeps messages from other relays, in milliseconds. If a relay dies, its messages are late by
   * this. A relay that publishes for longer than this may deliver twice. @default 15_000
   */
  leaseMs?: number | undefined
  /** The relay looks at the store after this many milliseconds, even if nothing woke it. @default 5000 */
  backstopMs?: number | undefined
}

const RELAY_RULES: Rules<RelayOptions> = {
  batch: integer(1, 10_000),
  maxInFlight: integer(1, 65_535),
  ratePerSecond: (value) => (typeof value === 'number' && value > 0 ? undefined : 'a number over zero'),
  leaseMs: integer(1000, 3_600_000),
  backstopMs: integer(10, 3_600_000),
}

/** `false` is for none. */
export const aRelay: Rule = (value, option) => (value === false ? undefined : group(RELAY_RULES)(value, option))

/** @throws DuequeError `INVALID_OPTION` */
export function resolveRelay(options: RelayOptions): WithDefaults<RelayOptions> {
  checkOptions(options, RELAY_RULES, 'relay')
  const { batch = 500, maxInFlight = 2000, ratePerSecond = Infinity, leaseMs = 15_000, backstopMs = 5000 } = options
  return { batch, maxInFlight, ratePerSecond, leaseMs, backstopMs }
}
