import { LONGEST_TIMER_MS } from '../../base/clock.js'
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../../base/backoff.js'
import { checkOptions, integer, oneOf, type Rule, type Rules } from '../../base/checks.js'
import { DuequeError, errorText, invalidOption, isDuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { DedupeStore } from '../../strategies/dedupe-store.js'

/**
 * Suppresses copies across processes. A copy of a message that was handled, retried or given up anywhere is acked and not
 * handled; a copy of one that is being handled elsewhere waits for the outcome.
 *
 * What this cannot do: a process that dies between a handler's effect and `settle` leaves no trace of that effect, so that
 * the message is handled again once the lease is over. A handler whose effect must not happen twice has to make it depend
 * on `delivery.id` itself, in the transaction of the effect.
 */
export interface DedupeOptions {
  store: DedupeStore
  /** For how long what was settled is remembered. @default 86_400_000 */
  windowMs?: number | undefined
  /**
   * How long the messages of a process that died wait before another handles them, and for how long a process may be
   * unable to renew. @default 10_000
   */
  leaseMs?: number | undefined
  /**
   * While the store cannot be asked: `wait` handles nothing until it can; `handle` goes on without it, and says so.
   * @default 'wait'
   */
  onStoreError?: 'wait' | 'handle' | undefined
}

type Resolved = Required<{ [K in keyof DedupeOptions]: NonNullable<DedupeOptions[K]> }>

/** Looks at the shape, since the store may be the caller's own. */
const aStore: Rule = (value) => {
  const { claim, renew, settle, release } = Object(value) as Partial<DedupeStore>
  const isOne = [claim, renew, settle, release].every((method) => typeof method === 'function')
  return isOne ? undefined : 'redisDedupe(…) or postgresDedupe(…)'
}

export const DEDUPE_RULES: Rules<DedupeOptions> = {
  store: aStore,
  windowMs: integer(1000),
  // A timer renews it.
  leaseMs: integer(1000, LONGEST_TIMER_MS),
  onStoreError: oneOf('wait', 'handle'),
}

/** @throws DuequeError `INVALID_OPTION` */
export function resolveDedupe(options: DedupeOptions): Resolved {
  checkOptions(options, DEDUPE_RULES, 'dedupe')
  const { store, windowMs = 86_400_000, leaseMs = 10_000, onStoreError = 'wait' } = options
  if ((store as DedupeStore | undefined) === undefined)
    throw invalidOption('dedupe.store', 'redisDedupe(…) or postgresDedupe(…)', store)
  return { store, windowMs, leaseMs, onStoreError }
}

interface Environment {
  queue: string
  logger: Logger
  onError: (error: DuequeError) => void
  /** Aborted when the consumer has no more time. */
  closing: AbortSignal
}

/** One consumer's side of a {@link DedupeStore}. No method rejects. */
export class Dedupe {
  readonly #options: Resolved
  readonly #environment: Environment
  readonly #owner = randomUUID()
  readonly #running = new Set<string>()
  #renewing: ReturnType<typeof setInterval> | undefined
  #isDown = false

  constructor(options: DedupeOptions, environment: Environment) {
    this.#options = resolveDedupe(options)
    this.#environment = environment
  }

  /** With `claimed` the caller handles the message and calls {@link finish}. With `running`, or `unknown` from a store that is away, it asks again later. */
  async claim(key: string): Promise<'claimed' | 'running' | 'settled' | 'unknown'> {
    const { store, leaseMs, onStoreError } = this.#options
    const shared = this.#key(key)
    try {
      const answer = await store.claim(shared, this.#owner, leaseMs)
      this.#isDown = false
      if (answer === 'claimed') this.#renew(shared)
      return answer
    } catch (error) {
      this.#failed('claim', error)
      return onStoreError === 'handle' ? 'claimed' : 'unknown'
    }
  }

  /**
   * Resolves when every process knows of it. What was settled is only acked after that; if the store stays away until the
   * consumer closes, it is acked all the same, since to give it back would be to handle it twice.
   */
  async finish(key: string, settled: boolean): Promise<void> {
    const { store, windowMs, onStoreError } = this.#options
    const shared = this.#key(key)
    // A renewal would claim it again behind the release.
    if (!settled) this.#running.delete(shared)
    for (let attempt = 0; ; attempt++) {
      try {
        await (settled ? store.settle(shared, windowMs) : store.release(shared, this.#owner))
        break
      } catch (error) {
        this.#failed(settled ? 'settle' : 'release', error)
        const { closing } = this.#environment
        if (!settled || onStoreError === 'handle' || closing.aborted) break
        await pause(backoff(attempt), undefined, { signal: closing }).catch(() => undefined)
      }
    }
    this.#running.delete(shared)
    if (this.#running.size > 0) return
    clearInterval(this.#renewing)
    this.#renewing = undefined
  }

  #key(key: string): string {
    return `${this.#environment.queue}\0${key}`
  }

  /** Renews the lease until {@link finish}. */
  #renew(shared: string): void {
    const { store, leaseMs } = this.#options
    this.#running.add(shared)
    this.#renewing ??= setInterval(() => {
      if (this.#running.size === 0) return
      store.renew([...this.#running], this.#owner, leaseMs).catch((error: unknown) => this.#failed('renew', error))
    }, leaseMs / 3).unref()
  }

  /** Logs each failure, and reports the first of an outage as an error. */
  #failed(what: string, error: unknown): void {
    const { logger, onError, queue } = this.#environment
    const { name } = this.#options.store
    logger.warn(`could not ${what} in the dedupe store`, { queue, store: name, error: errorText(error) })
    if (this.#isDown) return
    this.#isDown = true
    onError(
      isDuequeError(error)
        ? error
        : new DuequeError('STORE_ERROR', errorText(error), { store: name }, { cause: error }),
    )
  }
}
