import { invalidOption } from '../base/errors.js'

const DAY_MS = 86_400_000

let last = 0

/**
 * The revision of a new schedule. Later is greater: by the clock across processes, by counting within one.
 *
 * @param least for a schedule that replaces another one, whose producer's clock may be ahead
 */
export function nextRevision(now: number, least = 0): number {
  last = Math.max(now * 1000 + Math.floor(Math.random() * 1000), last + 1, least)
  return last
}

/** At least every revision up to now: those of this process exactly, those of others by the clock. */
export function latestRevision(now: number): number {
  last = Math.max(now * 1000 + 999, last)
  return last
}

/**
 * Every later revision of this process would be greater than a forged one, and `cancel` by id in other processes too small.
 *
 * @throws DuequeError `INVALID_OPTION` if no clock can have made the revision
 */
export function assertPast(revision: number, now: number): void {
  if (revision <= Math.max(last, (now + DAY_MS) * 1000)) return
  throw invalidOption('target.revision', 'a revision that a receipt had', revision)
}
