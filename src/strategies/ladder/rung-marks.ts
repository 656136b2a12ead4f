import { namedExchange } from '../../amqp/connection/failures.js'
import type { Declarer } from '../../amqp/topology/declarer.js'
import { SAFE_AFTER_MS, type YoungQueues } from '../../amqp/topology/young-queues.js'
import { isDuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { LadderLayout } from './ladder-layout.js'
import { rungKey } from './path-keys.js'
import type { Rung, RungVariant } from './rungs.js'

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
  readonly #layout: LadderLayout
  /** Beside the one that callers wait for. */
  readonly #declarer: Declarer
  readonly #young: YoungQueues
  readonly #logger: Logger
  readonly #pending = new Map<string, Pending>()
  #hasFailed = false

  constructor(layout: LadderLayout, declarer: Declarer, young: YoungQueues, logger: Logger) {
    this.#layout = layout
    this.#declarer = declarer
    this.#young = young
    this.#logger = logger
  }

  /** The rung has no mark, so it counts as declared now. It gets its mark when it is old enough. */
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

  /** A broker that comes back may have started the queues anew. */
  reconnected(): void {
    for (const [key, pending] of this.#pending) {
      pending.since = performance.now()
      this.#young.add(key)
      this.#later(key)
    }
  }

  /** Marks at once the rungs that are old enough. Never rejects. */
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
      const effect = 'the next process holds its first confirms over this rung for 2 s'
      this.#logger.info(`could not mark a rung as safe: ${effect}`, { rung: rung.name, error: errorText(error) })
    }
  }
}

/** Whether a rung has its mark. @throws DuequeError for a failure that says nothing about the mark */
export async function isMarked(
  declarer: Declarer,
  layout: LadderLayout,
  rung: Rung,
  variant: RungVariant,
): Promise<boolean> {
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
