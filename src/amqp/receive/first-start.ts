import { COMES_BACK_MS, isAway, isWithoutReplica, replyCode } from '../connection/failures.js'

/** Judges why a reader could not start, as long as it has never read. */
export class FirstStart {
  /** By `performance.now()`. */
  #awayUntil: number | undefined
  #wasMissing = false

  /** Whether another attempt may succeed. */
  mayComeYet(error: unknown): boolean {
    if (isWithoutReplica(error)) return true
    if (isAway(error)) {
      this.#awayUntil ??= performance.now() + COMES_BACK_MS
      return performance.now() < this.#awayUntil
    }
    // Deleted after it was prepared: so it is prepared anew.
    const isNews = replyCode(error) === 404 && !this.#wasMissing
    this.#wasMissing ||= isNews
    return isNews
  }
}
