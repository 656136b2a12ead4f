/**
 * A claim at the head of the index walks over what lies there dead: messages that were delivered since the last vacuum, or
 * since the oldest transaction of the whole database began, which may be hours. So most claims begin where the last one
 * ended, and only now and then one looks at everything.
 */
const WHOLE_EVERY_MS = 5000
/** So many times as long as such a claim took, it is not repeated. */
const REST = 20
/** Others may be about to commit what is ready a little earlier, and send no word. */
const OVERLAP_MS = 1000

/** A claim that was quick needs no rest. */
const QUICK_MS = 100

/** The earliest that a message can be ready. */
const EVER = Number.MIN_SAFE_INTEGER

/** An instant by both clocks: the server's, in milliseconds since the epoch, and the monotonic one of this process. */
export interface Instant {
  readonly now: number
  readonly elapsed: number
}

/** Where a claim looks. */
export interface ClaimRange {
  /** What was never claimed: from there on, by when it is ready. */
  readonly from: number
  readonly isWhole: boolean
  /** Also at ended leases, and at postponed messages. */
  readonly isHeld: boolean
}

/** The outcome of a claim. */
export interface ClaimOutcome extends ClaimRange, Instant {
  readonly tookMs: number
  /** Less than was asked for. */
  readonly isAll: boolean
  /** When the last one claimed was ready, if there is one. */
  readonly last: number | undefined
  readonly leaseMs: number
  /** In how many milliseconds the next lease is over, or a postponed message is ready, if the claim has looked. */
  readonly held: { readonly inMs: number; readonly isLease: boolean } | undefined
}

/** Decides where the next claim looks. */
export class ClaimWindow {
  #from = EVER
  #heardOf = Infinity
  /** By the clock that goes on, as is the next one, since leases are the server's. */
  #wholeAt = -Infinity
  #leaseOverAt = Infinity
  #postponedAt = Infinity
  /** Since the last claim began. */
  #postponed = Infinity
  /** How far the server's clock is ahead of the other one, as of the last claim. */
  #aheadMs = -Infinity

  next(elapsed: number, mustBeHeld = false): ClaimRange {
    const isWhole = elapsed >= this.#wholeAt
    const isHeld = mustBeHeld || isWhole || elapsed >= this.#leaseOverAt || elapsed + this.#aheadMs >= this.#postponedAt
    const from = isWhole ? EVER : Math.min(this.#from, this.#heardOf)
    this.#heardOf = Infinity
    this.#postponed = Infinity
    return { from, isWhole, isHeld }
  }

  done({ now, elapsed, from, isWhole, isHeld, tookMs, isAll, last, leaseMs, held }: ClaimOutcome): void {
    const restMs = tookMs < QUICK_MS ? 0 : REST * tookMs
    if (isAll) this.#from = now - OVERLAP_MS
    // Otherwise the last one may be a lease from anywhere.
    else this.#from = isHeld ? from : (last ?? from)
    const aheadMs = now - elapsed
    // The server's clock was set back.
    if (aheadMs < this.#aheadMs - OVERLAP_MS) this.#wholeAt = -Infinity
    this.#aheadMs = aheadMs
    if (isWhole) this.#wholeAt = isAll ? elapsed + Math.max(WHOLE_EVERY_MS, restMs) : elapsed
    if (isHeld) {
      this.#postponedAt = Math.min(this.#postponed, held?.isLease === false ? now + held.inMs : Infinity)
      this.#leaseOverAt = held?.isLease ? elapsed + Math.max(held.inMs, restMs) : Infinity
      if (!isAll) this.#leaseOverAt = elapsed
    }
    if (last !== undefined) this.#leaseOverAt = Math.min(this.#leaseOverAt, elapsed + leaseMs)
  }

  /** A claim failed: nothing is known. */
  failed(): void {
    this.#wholeAt = -Infinity
  }

  /** A message waits that is ready then. */
  heard(readyAt: number): void {
    this.#heardOf = Math.min(this.#heardOf, readyAt)
  }

  /** A message is postponed, to be claimed again then. */
  postponed(until: number): void {
    this.#postponed = Math.min(this.#postponed, until)
    this.#postponedAt = Math.min(this.#postponedAt, until)
  }

  /** When the next lease is over or a postponed message is ready, as far as is known, by the server's clock. */
  heldAt({ now, elapsed }: Instant): number {
    return Math.min(this.#postponedAt, now + Math.max(this.#leaseOverAt - elapsed, 0))
  }
}
