import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { deathOf } from '../message/death.js'
import { sentOn } from '../message/envelope.js'
import { backTo } from '../message/destination.js'
import { isForEver } from '../base/errors.js'
import type { ConsumerEnvironment } from './environment.js'
import type { Fate, Item } from './handling.js'
import { report } from './report.js'

type Move = Fate & { kind: 'retry' | 'dead' }

const PAUSE_AFTER_FAILURE_MS = 1000
/** How long one may take before the log tells of it, again and again. */
const SLOW_MS = 30_000

/** Moves what was not handled to where it waits again, or to the dead queue. */
export class FollowUps {
  readonly #queue: string
  readonly #environment: ConsumerEnvironment
  readonly #isClosing: () => boolean
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #abort = new AbortController()

  constructor(queue: string, environment: ConsumerEnvironment, isClosing: () => boolean) {
    this.#queue = queue
    this.#environment = environment
    this.#isClosing = isClosing
    setMaxListeners(0, this.#abort.signal)
  }

  /**
   * Repeats the move, not the handler, until the broker has confirmed it.
   *
   * @returns what was done; nothing if the consumer closes, or the message is another's by now
   */
  move(item: Item, fate: Move): Promise<'retried' | 'dead' | undefined> {
    return this.track(this.#move(item, fate))
  }

  /** Closing waits for it: the old copy must not go back to the queue while the new one is on its way. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async finished(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** There is no more time: the old copies go back to the queue, though a new one may be on its way. */
  abandon(): void {
    this.#abort.abort()
  }

  async #move(item: Item, fate: Move): Promise<'retried' | 'dead' | undefined> {
    for (;;) {
      try {
        await this.#watched(item, fate.kind === 'retry' ? this.#retry(item, fate) : this.#bury(item, fate))
        report(this.#environment.events, this.#queue, item, fate)
        return fate.kind === 'retry' ? 'retried' : 'dead'
      } catch (failure) {
        // It cannot be sent again, now or later.
        if (fate.kind === 'retry' && isForEver(failure)) {
          const { failed } = fate
          const error = `no other attempt: ${failure.message}`
          return this.#move(item, { kind: 'dead', reason: failed ? 'handler-error' : 'dead-lettered', error, failed })
        }
        this.#environment.onError(failure)
        await pause(PAUSE_AFTER_FAILURE_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined)
        if (this.#isClosing() || !item.arrival.live) return undefined
      }
    }
  }

  async #watched(item: Item, work: Promise<void>): Promise<void> {
    const { logger } = this.#environment
    const about = { queue: this.#queue, id: item.envelope.id }
    const timer = setInterval(
      () => logger.warn('the broker does not confirm a retry or a dead message', about),
      SLOW_MS,
    )
    await work.finally(() => clearInterval(timer))
  }

  /**
   * One publish for as long as it takes: each that is given up may have reached the broker all the same, during an alarm
   * for one, and would be a copy.
   */
  get #patiently() {
    return { timeoutMs: Infinity, signal: this.#abort.signal }
  }

  /** A fresh publish for this queue alone. */
  async #retry({ arrival, envelope, dueAt }: Item, { delayMs, failed }: Move & { kind: 'retry' }): Promise<void> {
    const { strategy, clock } = this.#environment
    const now = clock.now()
    const message = {
      ...sentOn(arrival, envelope, backTo(this.#queue, arrival.headers), now),
      dueAt,
      attempt: envelope.attempt + 1,
      rescues: 0,
      retryAt: now + delayMs,
      ...(failed && { firstFailedAt: envelope.firstFailedAt ?? now, lastFailedAt: now }),
    }
    await strategy.schedule(message, { declare: false, ...this.#patiently })
  }

  #bury({ arrival, envelope }: Item, { reason, error, failed }: Move & { kind: 'dead' }): Promise<void> {
    const { broker, clock, logger } = this.#environment
    const death = deathOf(reason, error, clock.now())
    const { id, attempt, firstFailedAt = death.at } = envelope
    logger.warn('message given up', { queue: this.#queue, id, attempt, reason, error: death.error })
    return broker.bury(this.#queue, arrival, failed ? { ...death, firstFailedAt } : death, this.#patiently)
  }
}
