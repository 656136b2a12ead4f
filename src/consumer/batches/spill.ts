import type { Clock } from '../../base/clock.js'
import type { Fifo } from '../../base/fifo.js'
import type { Logger } from '../../base/logger.js'
import { throttle } from '../../base/throttle.js'
import { READY, type IncomingMessage } from '../incoming-message.js'
import { ItemArrival } from './item-arrival.js'

/** An item that has been ready for so long, and whose handler has not started, is published singly. */
const SPILL_AFTER_MS = 1000
const LOOK_EVERY_MS = 250
const LATE = 'items of batches wait for a handler too long, and go to the queue singly, for other consumers'

/** Which ready messages may leave. */
export interface LateItems {
  /** The first so many stay: their handlers start next. */
  readonly keep: number
  /** Only items that have been ready since then, by the wall clock. */
  readonly since: number
  /** At most so many. */
  readonly most: number
}

/** Takes out items of batches that wait for a handler, the last ones first. Those that were claimed stay. */
export function takeLate(ready: Fifo<IncomingMessage>, { keep, since, most }: LateItems): IncomingMessage[] {
  const { first } = ready
  if (!first || ready.length <= keep) return []
  const late = new Set<IncomingMessage>()
  const candidates = ready.items()
  for (let i = candidates.length - 1; i >= keep && late.size < most; i--) {
    const incoming = candidates[i]!
    const { arrival, arrivedAt, state } = incoming
    const isLate = arrivedAt <= since && state === READY && arrival.live
    if (isLate && arrival instanceof ItemArrival) late.add(incoming)
  }
  return ready.remove((incoming) => late.has(incoming))
}

export interface SpillSettings {
  readonly queue: string
  readonly clock: Clock
  readonly logger: Logger
  readonly concurrency: number
  /** So many leave at a time. */
  readonly most: () => number
  /** Whether any item is there. */
  readonly isOpen: () => boolean
  /** Whether a publish would be confirmed soon, as far as is known. */
  readonly canSend: () => boolean
  /** Handlers that have started so far. */
  readonly started: () => number
  readonly take: (items: LateItems) => IncomingMessage[]
  /** Takes an item again that could not leave. */
  readonly returned: (incoming: IncomingMessage) => void
}

/**
 * Shares the work on a batch among consumers: RabbitMQ can give a batch to one of them only. Items whose handlers do not
 * start in time go to the queue as messages of their own, from the end. So many stay as start within the next second at the
 * present pace.
 */
export class Spill {
  readonly #settings: SpillSettings
  readonly #isNews: (what: string) => boolean
  #cancel: (() => void) | undefined
  #started = 0
  #isUnderWay = false

  constructor(settings: SpillSettings) {
    this.#settings = settings
    this.#isNews = throttle(settings.clock)
  }

  /** Looks after the items, as long as there are any. */
  watch(): void {
    this.#cancel ??= this.#settings.clock.after(LOOK_EVERY_MS, () => this.#look())
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(): void {
    this.#cancel = undefined
    const { isOpen, canSend, started, concurrency } = this.#settings
    const before = this.#started
    this.#started = started()
    if (!isOpen()) return
    this.watch()
    if (this.#isUnderWay || !canSend()) return
    const pace = (this.#started - before) * (SPILL_AFTER_MS / LOOK_EVERY_MS)
    void this.#spill(Math.max(concurrency, pace))
  }

  async #spill(keep: number): Promise<void> {
    const { queue, clock, logger, most, take, returned } = this.#settings
    this.#isUnderWay = true
    const next = () => take({ keep, since: clock.now() - SPILL_AFTER_MS, most: most() })
    for (let late = next(); late.length > 0; late = next()) {
      if (this.#isNews('late')) logger.info(LATE, { queue, afterMs: SPILL_AFTER_MS })
      await Promise.all(
        late.map(async (incoming) => {
          const { arrival } = incoming
          const hasLeft = arrival instanceof ItemArrival && (await arrival.leave())
          if (!hasLeft) returned(incoming)
        }),
      )
    }
    this.#isUnderWay = false
  }
}
