import { aFunction, checkOptions, group, integer, oneOf, type Rule, type Rules } from '../base/checks.js'
import { parseDelay, type Duration } from '../message/duration.js'

/** Grows by `factor` from one failure to the next. */
export interface ExponentialBackoff {
  /** After the first failure. @default '1s' */
  initial?: Duration | undefined
  /** @default 2 */
  factor?: number | undefined
  /** Never more than this. @default '1h' */
  max?: Duration | undefined
}

/**
 * How messages are retried whose handlers threw. A retry waits as any delayed message, in the strategy, and returns to this
 * queue alone. It waits at least for its delay, never less.
 *
 * | `backoff`                                         | waits after the 1st, 2nd, 3rd … failure                   |
 * |---------------------------------------------------|-----------------------------------------------------------|
 * | (default)                                         | up to 1 s, 2 s, 4 s, 8 s, … 1 h: exponential, full jitter |
 * | `{ initial: '5s', factor: 3, max: '1m' }`         | up to 5 s, 15 s, 45 s, 1 min, 1 min, …                    |
 * | the same with `jitter: 'none'`                    | 5 s, 15 s, 45 s, 1 min, 1 min, …                          |
 * | `'30s'`                                           | 30 s, 30 s, 30 s, …                                       |
 * | `['1s', '10s', '1m']`                             | 1 s, 10 s, 1 min, 1 min, …                                |
 */
export interface RetryPolicy {
  /** Deliveries to a handler before the message goes to the dead queue, the first included. From 1. @default 5 */
  attempts?: number | undefined
  /** A fixed delay, a list of delays whose last one repeats, or an exponential one. @default {} */
  backoff?: number | string | readonly Duration[] | ExponentialBackoff | undefined
  /**
   * `full`: a random part of the delay, so that messages that failed together are not retried together
   * (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter).
   * @default 'full' for an exponential back-off, else 'none'
   */
  jitter?: 'full' | 'none' | undefined
  /** Whether another attempt may help. If not, the message goes to the dead queue at once. @default every error */
  retryable?: ((error: unknown) => boolean) | undefined
}

/** A policy ready for use. */
export interface Retry {
  readonly attempts: number
  readonly retryable: (error: unknown) => boolean
  /** Milliseconds to wait after failure number `failure`, which counts from 1. */
  readonly delayMs: (failure: number) => number
}

/** One attempt: if it fails, the message goes to the dead queue. */
const NONE: RetryPolicy = { attempts: 1 }

const aDelay: Rule = (value, option) => {
  parseDelay(value, option)
  return undefined
}

const BACKOFF_RULES: Rules<ExponentialBackoff> = {
  initial: aDelay,
  factor: (value) => (Number.isFinite(value) && Number(value) >= 1 ? undefined : 'a number from 1'),
  max: aDelay,
}

const aBackoff: Rule = (value, option) => {
  if (typeof value === 'object' && !Array.isArray(value)) return group(BACKOFF_RULES)(value, option)
  const delays = Array.isArray(value) ? Array.from<unknown>(value) : [value]
  for (const [i, delay] of delays.entries()) parseDelay(delay, Array.isArray(value) ? `${option}[${i}]` : option)
  return delays.length === 0 ? 'at least one delay' : undefined
}

export const RETRY_RULES: Rules<RetryPolicy> = {
  attempts: integer(1),
  backoff: aBackoff,
  jitter: oneOf('full', 'none'),
  retryable: aFunction,
}

/** @throws DuequeError `INVALID_OPTION`, `INVALID_DUE` */
export function resolveRetry(policy: RetryPolicy = NONE): Retry {
  checkOptions(policy, RETRY_RULES, 'retry')
  const { attempts = 5, backoff = {}, retryable = () => true } = policy
  const isExponential = typeof backoff === 'object' && !isList(backoff)
  const { jitter = isExponential ? 'full' : 'none' } = policy
  const longest = ceiling(backoff)
  const delayMs = (failure: number) => Math.ceil(longest(failure) * (jitter === 'full' ? Math.random() : 1))
  return { attempts, retryable, delayMs }
}

function ceiling(backoff: NonNullable<RetryPolicy['backoff']>): (failure: number) => number {
  if (typeof backoff !== 'object') return fixed([parseDelay(backoff)])
  if (isList(backoff)) return fixed(backoff.map((delay) => parseDelay(delay)))
  const { initial = '1s', factor = 2, max = '1h' } = backoff
  const [initialMs, maxMs] = [parseDelay(initial), parseDelay(max)]
  // After a thousand failures the power is Infinity, and zero times that no number.
  return (failure) => Math.min(maxMs, initialMs && initialMs * factor ** (failure - 1))
}

function fixed(delays: readonly number[]): (failure: number) => number {
  return (failure) => delays[Math.min(failure, delays.length) - 1]!
}

function isList(backoff: object): backoff is readonly Duration[] {
  return Array.isArray(backoff)
}
