import { isInteger } from '../base/checks.js'
import { DuequeError, invalidOption, shown } from '../base/errors.js'
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

/**
 * The revision behind a stored one. Later revisions of this process do not follow a stored one that no clock can have made, as those that
 * are forged, or of a clock that is days ahead.
 *
 * @throws DuequeError `CONFLICT` with the outcome `refused` behind the greatest revision
 */
export function revisionAfter(stored: number, now: number, id: string): number {
  if (isPast(stored, now)) return nextRevision(now, stored + 1)
  if (isInteger(stored + 1)) return stored + 1
  const what = `${shown(id)} has the greatest revision that there is, which no clock gives: another program has written it`
  throw new DuequeError('CONFLICT', `id: ${what}. Use another id, or delete what it has written`, { id })
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
  if (isPast(revision, now)) return
  throw invalidOption('target.revision', 'a revision that a receipt had', revision)
}

function isPast(revision: number, now: number): boolean {
  return revision <= Math.max(revisions.last, (now + DAY_MS) * 1000)
}
