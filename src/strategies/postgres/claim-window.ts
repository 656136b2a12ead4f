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

/** The earliest that a message can be ready. */
const EVER = Number.MIN_SAFE_INTEGER

export interface Window {
  /** Whether to look at leases and at what was released, as well. */
  readonly isWhole: boolean
  readonly from: number
}

export interface Seen extends Window {
  readonly now: number
  readonly tookMs: number
  /** Less was found than asked for. */
  readonly isAll: boolean
  /** The last one claimed, if any. */
  readonly last: number | undefined
  /** When the next lease is over, of a claim that was whole. */
  readonly heldAt: number | undefined
}

/** Where the next claim looks. Times are milliseconds since the epoch. */
export class ClaimWindow {
  #from = EVER
  #heardOf = Infinity
  #wholeAt = -Infinity
  #heldAt = Infinity
  /** Since the last claim began. */
  #released = Infinity
  #now = -Infinity

  next(now: number): Window {
    // The clock was set back.
    if (now < this.#now) this.#wholeAt = -Infinity
    this.#now = now
    const isWhole = now >= this.#wholeAt || now >= this.#heldAt
    const from = isWhole ? EVER : Math.min(this.#from, this.#heardOf)
    this.#heardOf = Infinity
    this.#released = Infinity
    return { isWhole, from }
  }

  done({ now, isWhole, from, tookMs, isAll, last, heldAt }: Seen): void {
    if (isAll) this.#from = now - OVERLAP_MS
    // In a whole one, what was claimed last may be a lease from anywhere.
    else this.#from = isWhole ? EVER : (last ?? from)
    if (!isWhole) return
    this.#wholeAt = isAll ? now + Math.max(WHOLE_EVERY_MS, REST * tookMs) : now
    this.#heldAt = Math.min(Math.max(heldAt ?? Infinity, now + REST * tookMs), this.#released)
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
    this.#heldAt = Math.min(this.#heldAt, until)
  }

  /** When the next lease is over or something that was released is ready, as far as is known. */
  get heldAt(): number {
    return this.#heldAt
  }
}
