import { integer, type Rules } from '../base/checks.js'
import type { Clock } from '../base/clock.js'
import type { Envelope } from '../message/envelope.js'
import { KeyMemory, fingerprintOf, type Fingerprint } from './key-memory.js'

/** How long, and for how many messages, a consumer remembers what it has settled. */
export interface DuplicateWindow {
  /** Milliseconds. @default 3_600_000 */
  windowMs?: number | undefined
  /** 0 to 16,777,216. @default 100_000 */
  maxEntries?: number | undefined
}

/** Room for the entries is made in powers of two, and a typed array has an end. */
export const WINDOW_RULES: Rules<DuplicateWindow> = { windowMs: integer(0), maxEntries: integer(0, 2 ** 24) }

interface Running {
  readonly print: Fingerprint
  /** Wait for whether it is settled. */
  readonly copies: ((settled: boolean) => void)[]
}

/**
 * Remembers what was settled, by key, so that a copy which the broker delivers again after a crash is not handled again. A
 * key is recorded when its delivery is settled, not when it arrives: a copy whose twin is still running waits for that
 * twin's outcome, and runs itself if the twin was never settled.
 */
export class Duplicates {
  readonly #windowMs: number
  readonly #maxEntries: number
  /** With when each was settled. */
  readonly #settled: KeyMemory
  readonly #running = new Map<string, Running>()

  constructor({ windowMs = 3_600_000, maxEntries = 100_000 }: DuplicateWindow = {}) {
    this.#windowMs = windowMs
    this.#maxEntries = maxEntries
    // One more until the oldest is forgotten.
    this.#settled = new KeyMemory(maxEntries + 1)
  }

  /**
   * Whether the caller is the one to run. If so, it must call {@link finish} with the same key afterwards. Not to be asked
   * while another {@link isRunning}.
   */
  claim(key: string, now: number): boolean {
    this.#expire(now)
    const print = fingerprintOf(key)
    if (this.#settled.has(print)) return false
    this.#running.set(key, { print, copies: [] })
    return true
  }

  /** The same, once nobody runs any more. */
  async claimNext(key: string, now: number): Promise<boolean> {
    for (let running = this.#running.get(key); running; running = this.#running.get(key)) {
      const { copies } = running
      const settled = await new Promise<boolean>((resolve) => copies.push(resolve))
      if (settled) return false
    }
    return this.claim(key, now)
  }

  isRunning(key: string): boolean {
    return this.#running.has(key)
  }

  finish(key: string, settled: boolean, now: number): void {
    const running = this.#running.get(key)
    const print = running?.print ?? fingerprintOf(key)
    if (settled && !this.#settled.has(print)) this.#settled.add(print, now)
    this.#running.delete(key)
    for (const resolve of running?.copies ?? []) resolve(settled)
  }

  /** Whether nothing is remembered any more, and nothing runs. */
  isEmpty(now: number): boolean {
    this.#expire(now)
    return this.#settled.size === 0 && this.#running.size === 0
  }

  /** Gives back the memory that is not needed. */
  compact(): void {
    this.#settled.compact()
  }

  #expire(now: number): void {
    for (let at = this.#settled.oldestAt; at !== undefined; at = this.#settled.oldestAt) {
      if (at > now - this.#windowMs && this.#settled.size <= this.#maxEntries) return
      this.#settled.forgetOldest()
    }
  }
}

/**
 * What the consumers of one connection remember, by queue and window: those of a queue share it, and one that comes anew
 * finds it. Without a consumer it is kept in as little memory as it needs, until its window is over.
 */
export class SharedDuplicates {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For one more consumer, which calls {@link leave} when it has closed. */
  join(queue: string, window: DuplicateWindow): Duplicates {
    this.#forget()
    const key = keyOf(queue, window)
    const entry = this.#entries.get(key) ?? { duplicates: new Duplicates(window), consumers: 0 }
    entry.consumers++
    this.#entries.set(key, entry)
    return entry.duplicates
  }

  leave(queue: string, window: DuplicateWindow): void {
    const entry = this.#entries.get(keyOf(queue, window))
    if (entry && --entry.consumers === 0) entry.duplicates.compact()
    this.#forget()
  }

  /** How many of them are kept. */
  get size(): number {
    return this.#entries.size
  }

  #forget(): void {
    const now = this.#clock.monotonic()
    for (const [key, { duplicates, consumers }] of this.#entries)
      if (consumers === 0 && duplicates.isEmpty(now)) this.#entries.delete(key)
  }
}

interface Entry {
  readonly duplicates: Duplicates
  consumers: number
}

function keyOf(queue: string, { windowMs, maxEntries }: DuplicateWindow): string {
  return JSON.stringify([queue, windowMs, maxEntries])
}

/** A foreign message without id or revision cannot be told from another. */
export function duplicateKey({ dedupeKey, id, revision, attempt }: Envelope): string | undefined {
  if (dedupeKey !== undefined) return `${dedupeKey}\0${attempt}`
  if (id === undefined || revision === undefined) return undefined
  return `${id}\0${revision}\0${attempt}`
}
