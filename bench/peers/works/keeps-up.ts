import { median } from '../../numbers.js'

/** The least share of the rate. */
const SHORT_OF = 0.97
/** The most that lateness may grow during the step: in ms, and as a share, for those who poll at long intervals. */
const GROWTH_MS = 100
const GROWTH = 0.5

/**
 * Whether a contestant keeps up with a steady rate of one fixed delay.
 *
 * @param lateness in the order of arrival, which is that of scheduling
 */
export function keepsUp(lateness: readonly number[], rate: number, reached: number): boolean {
  if (reached < rate * SHORT_OF) return false
  const quarter = Math.floor(lateness.length / 4)
  if (quarter === 0) return false
  const [first, last] = [median(lateness.slice(0, quarter)), median(lateness.slice(-quarter))]
  return last - first <= Math.max(GROWTH_MS, first * GROWTH)
}
