import { LONGEST_TIMER_MS } from '../base/clock.js'
import { checkOptions, flag, group, integer, milliseconds, oneOf, type Rules } from '../base/checks.js'
import type { OnTailDown } from '../cancellation/on-tail-down.js'
import type { Limits } from '../strategies/strategy.js'
import type { Logger } from '../base/logger.js'
import type { WithDefaults } from '../base/with-defaults.js'
import { AutoPrefetch, MOST_PREFETCH } from './auto-prefetch.js'
import { DEDUPE_RULES, type DedupeOptions } from './copies/dedupe.js'
import { WINDOW_RULES, type DuplicateWindow } from './copies/duplicates.js'
import { RETRY_RULES, resolveRetry, type Retry, type RetryPolicy } from './retry.js'

export interface ConsumeOptions {
  /**
   * Messages that the broker may send ahead, 1 to 65535. Prefetched messages cannot go to another process: a small number
   * shares slow work better, a large one feeds fast handlers.
   * @default 2 × concurrency, 10 × concurrency while handlers take less than 50 ms on average (until they take 200 ms), but no
   * more than a second at `ratePerSecond`; and with a lead one more for each millisecond that a message may be early, up to 1000
   */
  prefetch?: number | undefined
  /** Handlers that run at the same time. @default 10 */
  concurrency?: number | undefined
  /**
   * Handlers that start in a second at most, evenly spread, in this consumer; a fraction is a longer pause between two. For a
   * service that may not be called more often. Choose a small `prefetch` with it, so that messages do not wait here.
   * @default no limit
   */
  ratePerSecond?: number | undefined
  /** Declares the queue if it is missing. An existing queue is consumed as it is. @default true */
  declare?: boolean | undefined
  /**
   * Takes batches as well, which `scheduleAll(items, { batch: true })` sends: declares and consumes the queue `<queue>.batches`.
   * Every item goes its own way, as a message that arrived by itself. `prefetch` counts batches there, of up to 64 items each.
   * @default false
   */
  batches?: boolean | undefined
  /** How long, and how many, settled messages are remembered to suppress duplicates. */
  duplicates?: DuplicateWindow | undefined
  /**
   * Suppresses duplicates across processes, by a store that they share.
   * @default within this process only
   */
  dedupe?: DedupeOptions | undefined
  /** Whether and when a message is retried after its handler threw. @default never: `{ attempts: 1 }` */
  retry?: RetryPolicy | undefined
  /**
   * After so many milliseconds `delivery.signal` is aborted. A handler that then throws has failed its attempt; one that
   * goes on keeps its message, since nothing can stop it. 0: never. @default 0
   */
  handlerTimeoutMs?: number | undefined
  /**
   * `on`: cancelled messages are dropped. The consumer reads the cancellation streams of its namespace, and needs a broker with
   * streams and the rights to read them. `off`: cancellations by RabbitMQ have no effect on this consumer.
   * @default 'on'
   */
  cancellations?: 'on' | 'off' | undefined
  /**
   * What happens when the consumer cannot prove for 30 s that it has read every cancellation. `handle`: it goes on, and may
   * handle cancelled messages. `wait`: it handles nothing until it can.
   * @default 'handle'
   */
  onTailDown?: OnTailDown | undefined
  /**
   * The broker's own limit for a message that is not acked, `consumer_timeout`, which AMQP does not tell: beyond it the
   * broker closes the channel and delivers its messages again. Only for a warning, if prefetch, concurrency, handler
   * time-out and rate do not fit under it. @default 1_800_000, as RabbitMQ's
   */
  consumerTimeoutMs?: number | undefined
}

type Plain = Omit<ConsumeOptions, 'retry' | 'dedupe' | 'cancellations' | 'onTailDown' | 'ratePerSecond' | 'batches'>

export const CONSUME_RULES: Rules<ConsumeOptions> = {
  prefetch: integer(1, MOST_PREFETCH),
  concurrency: integer(1),
  ratePerSecond: (value) =>
    Number.isFinite(value) && Number(value) > 0 ? undefined : 'a number of starts a second, over 0',
  declare: flag,
  batches: flag,
  duplicates: group(WINDOW_RULES),
  dedupe: group(DEDUPE_RULES),
  retry: group(RETRY_RULES),
  handlerTimeoutMs: integer(0, LONGEST_TIMER_MS),
  cancellations: oneOf('on', 'off'),
  onTailDown: oneOf('handle', 'wait'),
  consumerTimeoutMs: integer(1),
}

/** @throws DuequeError `INVALID_OPTION`, `INVALID_DUE` */
export function checkConsume(options: ConsumeOptions): void {
  checkOptions(options, CONSUME_RULES)
}

export interface CloseOptions {
  /** Milliseconds. @default 30_000 */
  drainTimeoutMs?: number | undefined
}

const CLOSE_RULES: Rules<CloseOptions> = { drainTimeoutMs: milliseconds }

/** @throws DuequeError `INVALID_OPTION` */
export function resolveClose(options: CloseOptions = {}): WithDefaults<CloseOptions> {
  checkOptions(options, CLOSE_RULES)
  return { drainTimeoutMs: options.drainTimeoutMs ?? 30_000 }
}

/** @param options checked ones */
export function resolveConsume(
  options: ConsumeOptions,
  { leadMs }: Pick<Limits, 'leadMs'>,
  logger: Logger,
): WithDefaults<Plain> & { retry: Retry } {
  const {
    concurrency = 10,
    prefetch = new AutoPrefetch(concurrency, leadMs).value,
    declare = true,
    duplicates = {},
    retry,
  } = options
  const { handlerTimeoutMs = 0, consumerTimeoutMs = 1_800_000, ratePerSecond = Infinity } = options
  const resolved = { prefetch, concurrency, declare, duplicates, handlerTimeoutMs, consumerTimeoutMs }
  const byHandlersMs = (Math.max(prefetch, concurrency) * handlerTimeoutMs) / concurrency
  const longestMs = Math.max(byHandlersMs, (prefetch * 1000) / ratePerSecond)
  if (longestMs > consumerTimeoutMs) {
    logger.warn('the last prefetched message may wait longer than the broker allows: lower prefetch', {
      longestMs,
      consumerTimeoutMs,
    })
  }
  return { ...resolved, retry: resolveRetry(retry) }
}
