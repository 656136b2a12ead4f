import { invalidOption } from '../base/errors.js'
import { HybridClock } from '../base/hybrid-clock.js'

const DAY_MS = 86_400_000

const revisions = new HybridClock()

/**
 * The revision of a new schedule. Later is greater: by the clock across processes, by counting within one.
 *
 * @param least for a schedule that replaces another one, whose producer's clock may be ahead
 */
export function nextRevision(now: number, least = 0): number {
  return revisions.next(now, least)
}

/** At least every revision up to now: those of this process exactly, those of others by the clock. */
export function latestRevision(now: number): number {
  return revisions.upTo(now)
}

/**
 * Every later revision of this process would be greater than a forged one, and `cancel` by id in other processes too small.
 *
 * @throws DuequeError `INVALID_OPTION` if no clock can have made the revision
 */
export function assertPast(revision: number, now: number): void {
  if (revision <= Math.max(revisions.last, (now + DAY_MS) * 1000)) return
  throw invalidOption('target.revision', 'a revision that a receipt had', revision)
}
