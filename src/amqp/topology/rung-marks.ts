import { isDuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { Rung } from '../../strategies/ladder/rungs.js'
import type { Declarer } from './declarer.js'
import { namedExchange } from '../connection/failures.js'
import type { Layout } from './layout.js'
import { rungKey, type RungVariant } from './names.js'

/**
 * From when on a queue keeps what it confirmed: twice what was measured. A broker that is killed within a second after a
 * quorum queue was declared starts that queue anew, empty, with whatever it had confirmed (measured on 4.3.6: in every kill
 * up to 600 ms after the declaration, in none of 7 from 1 s on).
 */
export const SAFE_AFTER_MS = 2000

/** When a queue was made, or first seen if nobody knows, by key and `performance.now()`. */
export class YoungQueues {
  readonly #since = new Map<string, number>()

  add(key: string): void {
    const now = performance.now()
    this.#since.set(key, now)
    setTimeout(() => {
      if (this.#since.get(key) === now) this.#since.delete(key)
    }, SAFE_AFTER_MS + 1000).unref()
  }

  get isEmpty(): boolean {
    return this.#since.size === 0
  }

  /** From when on all of these can be relied on, by `performance.now()`. */
  safeAt(keys: readonly string[]): number {
    return Math.max(...keys.map((key) => this.#since.get(key) ?? -Infinity)) + SAFE_AFTER_MS
  }
}

interface Pending {
  readonly rung: Rung
  readonly variant: RungVariant
  since: number
  writing?: Promise<void>
}

/**
 * Tells rungs that are old enough to be relied on from those that some process may have declared a moment ago, by a mark on
 * the broker: docs/decisions/038-old-rungs-are-marked.md.
 */
export class RungMarks {
  readonly #layout: Layout
  /** Beside the one for what somebody waits for. */
  readonly #declarer: Declarer
  readonly #young: YoungQueues
  readonly #logger: Logger
  readonly #pending = new Map<string, Pending>()
  #hasFailed = false

  constructor(layout: Layout, declarer: Declarer, young: YoungQueues, logger: Logger) {
    this.#layout = layout
    this.#declarer = declarer
    this.#young = young
    this.#logger = logger
  }

  /** The rung has no mark: as far as anybody knows it was made now. It gets its mark when it is old enough. */
  add(rung: Rung, variant: RungVariant): void {
    const key = rungKey(rung, variant)
    this.#young.add(key)
    this.#pending.set(key, { rung, variant, since: performance.now() })
    this.#later(key)
  }

  /** Whether the rung has no mark yet. */
  isYoung(key: string): boolean {
    return this.#pending.has(key)
  }

  /** A broker that comes back may have made them anew. */
  reconnected(): void {
    for (const [key, pending] of this.#pending) {
      pending.since = performance.now()
      this.#young.add(key)
      this.#later(key)
    }
  }

  /** Marks at once what is old enough. Never rejects. */
  async flush(): Promise<void> {
    await Promise.all([...this.#pending.keys()].map((key) => this.#mark(key)))
  }

  #later(key: string): void {
    // A timer of Node may fire a millisecond early, and then nothing would come after it.
    setTimeout(() => void this.#mark(key), SAFE_AFTER_MS + 10).unref()
  }

  async #mark(key: string): Promise<void> {
    const pending = this.#pending.get(key)
    if (!pending || performance.now() < pending.since + SAFE_AFTER_MS) return
    pending.writing ??= this.#write(pending)
    await pending.writing
    this.#pending.delete(key)
    if (this.#pending.size === 0) this.#declarer.close()
  }

  async #write({ rung, variant }: Pending): Promise<void> {
    try {
      for (const part of this.#layout.mark(rung, variant)) await this.#declarer.declare(part)
    } catch (error) {
      if (this.#hasFailed || isDuequeError(error, 'CLOSED')) return
      this.#hasFailed = true
      const mend = 'the next process holds its first confirms over this rung for 2 s'
      this.#logger.info(`could not mark a rung as safe: ${mend}`, { rung: rung.name, error: errorText(error) })
    }
  }
}

/** @throws DuequeError for whatever says nothing about the mark */
export async function isMarked(declarer: Declarer, layout: Layout, rung: Rung, variant: RungVariant): Promise<boolean> {
  const [mark, binding] = layout.mark(rung, variant)
  try {
    await declarer.declare(binding)
    return true
  } catch (error) {
    if (isDuequeError(error, 'PERMISSION_DENIED')) return false
    if (!isDuequeError(error, 'DESTINATION_MISSING')) throw error
    // The rung is gone, and its mark was never bound: it would speak for the next rung of this name.
    if (namedExchange(error.cause) !== mark.name) await declarer.delete(mark)
    return false
  }
}
