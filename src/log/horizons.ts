const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A stream keeps its records for this much longer than its horizon. */
export const KEPT_LONGER_MS = 7 * DAY_MS

/** How long a record is remembered after its due time, unless an option says otherwise. */
export const GRACE_MS = DAY_MS

/** How far the clocks of writers, of the broker and of a reader may differ. */
export const CLOCKS_DIFFER_MS = 60_000

/** How far ahead the due times of a stream's records are at most. */
export interface Horizon {
  readonly name: string
  readonly ms: number
  /** The horizon and 7 days, as the stream's `x-max-age`. RabbitMQ compares the text. */
  readonly maxAge: string
}

export const HORIZONS: readonly Horizon[] = [
  { name: '1h', ms: HOUR_MS, maxAge: '169h' },
  { name: '8h', ms: 8 * HOUR_MS, maxAge: '176h' },
  { name: '3d', ms: 3 * DAY_MS, maxAge: '10D' },
  { name: '30d', ms: 30 * DAY_MS, maxAge: '37D' },
  { name: '1y', ms: 365 * DAY_MS, maxAge: '372D' },
  { name: '10y', ms: 3650 * DAY_MS, maxAge: '3657D' },
]

/**
 * Of the definitions of recurring messages, which are due at no time: all of them are in one stream. Each one that counts is
 * written again long before this time is over.
 */
export const DEFINITIONS: Horizon = { name: '', ms: 83 * DAY_MS, maxAge: '90D' }

/** For a due time that is not known, or past. */
export const UNKNOWN_DUE = HORIZONS[3]!

/** The shortest horizon that covers the rest of the wait. */
export function horizonFor(due: number | undefined, now: number): Horizon {
  if (due === undefined || due <= now) return UNKNOWN_DUE
  return HORIZONS.find(({ ms }) => due - now <= ms) ?? HORIZONS.at(-1)!
}
