import type { Envelope } from '../envelope.js'
import { Fifo } from '../fifo.js'

/** How long, and for how many messages, a consumer remembers what it has settled. */
export interface DuplicateWindow {
  /** @default 3_600_000 */
  windowMs?: number | undefined
  /** @default 100_000 */
  maxEntries?: number | undefined
}

/**
 * Remembers what was settled, by key, so that a copy which the broker delivers again after a crash is not handled again. A
 * key is recorded when its delivery is settled, not when it arrives: a copy whose twin is still running waits for that
 * twin's outcome, and runs itself if the twin was never settled.
 */
export class Duplicates {
  readonly #windowMs: number
  readonly #maxEntries: number
  /** When each was settled. */
  readonly #settled = new Map<string, number>()
  /** The same in order of settling. A Map has it, too, but finds its first entry only behind all that were deleted. */
  readonly #order = new Fifo<string>()
  readonly #running = new Map<string, ((settled: boolean) => void)[]>()

  constructor({ windowMs = 3_600_000, maxEntries = 100_000 }: DuplicateWindow = {}) {
    this.#windowMs = windowMs
    this.#maxEntries = maxEntries
  }

  /**
   * Whether the caller is the one to run. If so, it must call {@link finish} with the same key afterwards. Not to be asked
   * while another {@link isRunning}.
   */
  claim(key: string, now: number): boolean {
    this.#expire(now)
    if (this.#settled.has(key)) return false
    this.#running.set(key, [])
    return true
  }

  /** The same, once nobody runs any more. */
  async claimNext(key: string, now: number): Promise<boolean> {
    for (let waiting = this.#running.get(key); waiting; waiting = this.#running.get(key)) {
      const settled = await new Promise<boolean>((resolve) => waiting.push(resolve))
      if (settled) return false
    }
    return this.claim(key, now)
  }

  isRunning(key: string): boolean {
    return this.#running.has(key)
  }

  finish(key: string, settled: boolean, now: number): void {
    if (settled && !this.#settled.has(key)) {
      this.#settled.set(key, now)
      this.#order.push(key)
    }
    const waiting = this.#running.get(key) ?? []
    this.#running.delete(key)
    for (const resolve of waiting) resolve(settled)
  }

  #expire(now: number): void {
    for (let key = this.#order.first; key !== undefined; key = this.#order.first) {
      if (this.#settled.get(key)! > now - this.#windowMs && this.#settled.size <= this.#maxEntries) return
      this.#settled.delete(key)
      this.#order.shift()
    }
  }
}

/** A foreign message without id or revision cannot be told from another. */
export function duplicateKey({ dedupeKey, id, revision, attempt }: Envelope): string | undefined {
  if (dedupeKey !== undefined) return `${dedupeKey}\0${attempt}`
  if (id === undefined || revision === undefined) return undefined
  return `${id}\0${revision}\0${attempt}`
}
