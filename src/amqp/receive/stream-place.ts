import type { StreamEnd } from './stream-end.js'

/** How much is read again after a reconnect: the publisher's clock is another than the broker's. */
const READ_AGAIN_MS = 60_000

/**
 * Where a reader of a stream is, and where it starts again: by the time of its last record, never by its offset, since a
 * stream that was deleted and declared anew has no such offset, and sends nothing. A start by time may leave out records
 * where clocks differ by more than a minute. The offsets show it, and the next start is with the first record.
 */
export class StreamPlace {
  readonly #from: number
  #next: number
  #isFromFirst = false
  /** Of the last record, whatever channel it came on. */
  #known: number | undefined
  /** Of the last record since the last start. */
  #offset: number | undefined

  /** @param from milliseconds since the epoch */
  constructor(from: number) {
    this.#from = this.#next = from
  }

  /** A new start, as the consumer argument `x-stream-offset`. */
  start(): unknown {
    this.#offset = undefined
    return this.#isFromFirst ? 'first' : { '!': 'timestamp', value: Math.max(Math.floor(this.#next / 1000), 0) }
  }

  /**
   * A record has arrived.
   *
   * @param now milliseconds since the epoch
   * @returns false if records before it were left out: the reader has to start again
   */
  arrived({ offset, writtenAt }: StreamEnd, now: number): boolean {
    const isGap = this.#offset === undefined && this.#known !== undefined && offset > this.#known + 1
    if (isGap && !this.#isFromFirst) return this.#distrust()
    this.#isFromFirst = false
    this.#known = this.#offset = offset
    // A publisher's clock may be ahead: nothing written later may be left out.
    if (writtenAt !== undefined) this.#next = Math.max(this.#from, Math.min(writtenAt, now) - READ_AGAIN_MS)
    return true
  }

  /** Whether all records up to `end` were read. */
  hasReached(end: StreamEnd): boolean {
    if (this.#offset !== undefined) return this.#offset >= end.offset
    // None of them is of interest.
    return end.writtenAt !== undefined && end.writtenAt < this.#from - READ_AGAIN_MS
  }

  /** Nothing arrives though the end is not reached: the reader has to start again. */
  stalled(): void {
    if (this.#offset === undefined) this.#distrust()
  }

  /** Records that are missing up to `end`. */
  behind(end: StreamEnd): number {
    return Math.max(end.offset - (this.#offset ?? -1), 0)
  }

  #distrust(): false {
    this.#isFromFirst = true
    this.#offset = undefined
    return false
  }
}
