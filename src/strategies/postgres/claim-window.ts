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

/** An instant by both clocks: the server's, in milliseconds since the epoch, and one of this process that only goes on. */
export interface Instant {
  readonly now: number
  readonly elapsed: number
}

/** Where a claim looks. */
export interface Window {
  /** What was never claimed: from there on, by when it is ready. */
  readonly from: number
  readonly isWhole: boolean
  /** Also at leases that are over, and at what was released. */
  readonly isHeld: boolean
}

/** What a claim has found. */
export interface Seen extends Window, Instant {
  readonly tookMs: number
  /** Less than was asked for. */
  readonly isAll: boolean
  /** When the last one claimed was ready, if there is one. */
  readonly last: number | undefined
  readonly leaseMs: number
  /** In how many milliseconds the next lease is over, or what was released is ready, if the claim has looked. */
  readonly held: { readonly inMs: number; readonly isLease: boolean } | undefined
}

/** Decides where the next claim looks. */
export class ClaimWindow {
  #from = EVER
  #heardOf = Infinity
  /** By the clock that goes on, as is the next one, since leases are the server's. */
  #wholeAt = -Infinity
  #leaseOverAt = Infinity
  #releasedAt = Infinity
  /** Since the last claim began. */
  #released = Infinity
  /** How far the server's clock is ahead of the other one, as of the last claim. */
  #aheadMs = -Infinity

  next(elapsed: number, mustBeHeld = false): Window {
    const isWhole = elapsed >= this.#wholeAt
    const isHeld = mustBeHeld || isWhole || elapsed >= this.#leaseOverAt || elapsed + this.#aheadMs >= this.#releasedAt
    const from = isWhole ? EVER : Math.min(this.#from, this.#heardOf)
    this.#heardOf = Infinity
    this.#released = Infinity
    return { from, isWhole, isHeld }
  }

  done({ now, elapsed, from, isWhole, isHeld, tookMs, isAll, last, leaseMs, held }: Seen): void {
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
      this.#releasedAt = Math.min(this.#released, held?.isLease === false ? now + held.inMs : Infinity)
      this.#leaseOverAt = held?.isLease ? elapsed + Math.max(held.inMs, restMs) : Infinity
      if (!isAll) this.#leaseOverAt = elapsed
    }
    if (last !== undefined) this.#leaseOverAt = Math.min(this.#leaseOverAt, elapsed + leaseMs)
  }

  /** A claim failed: nothing is known. */
  failed(): void {
    this.#wholeAt = -Infinity
  }

  /** Something waits that is ready then. */
  heard(readyAt: number): void {
    this.#heardOf = Math.min(this.#heardOf, readyAt)
  }

  /** Something is released, to be claimed again then. */
  released(until: number): void {
    this.#released = Math.min(this.#released, until)
    this.#releasedAt = Math.min(this.#releasedAt, until)
  }

  /** When the next lease is over or something released is ready, as far as is known, by the server's clock. */
  heldAt({ now, elapsed }: Instant): number {
    return Math.min(this.#releasedAt, now + Math.max(this.#leaseOverAt - elapsed, 0))
  }
}
