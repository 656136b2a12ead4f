import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { deathOf } from '../message/death.js'
import { sentOn } from '../message/envelope.js'
import { backTo } from '../message/destination.js'
import { isForEver } from '../base/errors.js'
import type { ConsumerEnvironment } from './environment.js'
import { forward, type Decision, type ForwardWaits, type Route } from '../forwarding/forward.js'
import type { Fate, Item } from './handling.js'
import { report } from './report.js'

type Move = Fate & { kind: 'retry' | 'dead' }

/** A publish that takes longer is logged, again and again. */
const SLOW_MS = 30_000

/** Publishes the retry or the dead letter of a message that was not handled. */
export class FollowUps {
  readonly #queue: string
  readonly #environment: ConsumerEnvironment
  readonly #waits: ForwardWaits
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #abort = new AbortController()

  constructor(queue: string, environment: ConsumerEnvironment, isClosing: () => boolean) {
    this.#queue = queue
    this.#environment = environment
    const { signal } = this.#abort
    setMaxListeners(0, signal)
    const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => undefined)
    this.#waits = { pause: wait, hold: (until) => wait(until - environment.clock.now()), isClosing }
  }

  /**
   * Repeats the move, not the handler, until the broker has confirmed it.
   *
   * @returns what was done; nothing if the consumer closes, or the message is another's by now
   */
  move(item: Item, fate: Move): Promise<'retried' | 'dead' | undefined> {
    return this.track(this.#moved(item, fate))
  }

  async #moved(item: Item, move: Move): Promise<'retried' | 'dead' | undefined> {
    const outcome = await forward(item.arrival, this.#route(item, move), this.#waits)
    if (outcome === 'forward') return 'retried'
    return outcome === 'bury' ? 'dead' : undefined
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

  /** The time is over: the old copies go back to the queue, though new ones may be on their way. */
  abandon(): void {
    this.#abort.abort()
  }

  #route(item: Item, move: Move): Route {
    return {
      decide: () => this.#decision(item, move),
      failed: (error) => {
        // The message cannot be sent again, now or later.
        if (move.kind === 'retry' && isForEver(error)) {
          const { failed } = move
          const reason = failed ? 'handler-error' : 'dead-lettered'
          move = { kind: 'dead', reason, error: `no other attempt: ${error.message}`, failed }
          return this.#decision(item, move)
        }
        this.#environment.onError(error)
        return undefined
      },
    }
  }

  #decision(item: Item, move: Move): Decision {
    const publish = async () => {
      await this.#watched(item, move.kind === 'retry' ? this.#retry(item, move) : this.#bury(item, move))
      report(this.#environment.events, this.#queue, item, move)
    }
    return { kind: move.kind === 'retry' ? 'forward' : 'bury', publish }
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
