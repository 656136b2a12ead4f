import { aFunction, checkOptions, group, type Rule, type Rules } from './base/checks.js'
import { invalidOption } from './base/errors.js'
import type { Delivery } from './consumer/delivery.js'
import type { Consumer } from './consumer/stats.js'
import type { Dueque } from './dueque.js'
import { EVENT_RULES, type DuequeEvents } from './events.js'
import type { Destination } from './message/destination.js'
import type { HeaderValue } from './message/headers.js'
import type { Receipt } from './message/receipt.js'
import type { CancelResult } from './schedule/cancel-result.js'
import type { Rescheduled } from './schedule/waiting.js'

/** A run of `scheduleAll` or `cancelAll`. Its items have this very object as their `bulk`. */
export interface BulkInfo {
  readonly operation: 'schedule' | 'cancel'
}

/** How many items of a run succeeded, and how many did not. */
export interface BulkOutcome {
  readonly succeeded: number
  readonly failed: number
}

/** A schedule, for {@link Telemetry.schedule}. */
export interface ScheduleInfo {
  readonly id: string
  readonly name: string
  readonly to: Destination
  readonly dueAt: Date
  /** The time of an occurrence of a recurring message, whose id is that message's with `@` and this time behind it. */
  readonly scheduledFor?: Date | undefined
  /** Of an item of `scheduleAll`. */
  readonly bulk?: BulkInfo | undefined
}

/** A cancellation or a reschedule, for {@link Telemetry.cancel} and {@link Telemetry.reschedule}. */
export interface CancelInfo {
  readonly id: string
  /** Undefined for an id without a receipt. */
  readonly to: Destination | undefined
  /** Of an item of `cancelAll`. */
  readonly bulk?: BulkInfo | undefined
}

/** A call of a handler, for {@link Telemetry.process}. */
export interface ProcessInfo {
  readonly queue: string
  /** What the handler gets, without its decisions. */
  readonly delivery: Omit<Delivery, 'retry' | 'deadLetter'>
  /** Of the consumer. 0: none. */
  readonly handlerTimeoutMs: number
}

/**
 * Lets tracing and metrics follow messages. A member that is missing costs nothing. With several telemetries, the hooks of the
 * first one are the outermost.
 *
 * The hooks that get `run` call it once, before they return: what it starts has the hook's context. Whatever a hook does,
 * `run` runs exactly once. If the hook has not called it when it returns or throws, dueque calls it then; further calls get
 * the promise of the first. The outcome is that of `run`, as soon as it is known: nothing waits for what a hook returns, or
 * depends on it.
 *
 * The first error of each hook is reported by the event `error` (`TELEMETRY_FAILED`), and so is a promise of a hook that is
 * pending 30 s after the outcome of its `run`. Further errors are in the log, at most once a minute.
 */
export interface Telemetry {
  /**
   * It makes spans of its own for what it wraps. An instrumentation of amqplib in the same process then makes none for this
   * connection. @default false
   */
  readonly tracesMessages?: boolean | undefined
  /**
   * Wraps each schedule, also each item of `scheduleAll`, until it is confirmed or has failed. One that is refused for its
   * options need not reach it.
   *
   * @param headers those of the message. What the hook adds before it calls `run` travels, such as `traceparent`. If
   * `schedule` would refuse it, none of it travels, and that is an error of the hook
   */
  schedule?(info: ScheduleInfo, headers: Record<string, HeaderValue>, run: () => Promise<Receipt>): unknown
  /** Wraps each cancellation, also each item of `cancelAll`. One that is refused for its target does not reach it. */
  cancel?(info: CancelInfo, run: () => Promise<CancelResult>): unknown
  /** Wraps each reschedule. A new copy that it schedules reaches the hook `schedule` as well. */
  reschedule?(info: CancelInfo, run: () => Promise<Rescheduled | undefined>): unknown
  /**
   * Wraps each run of `scheduleAll` and `cancelAll` that is used, from its first item to its last result. Its items run in the
   * context of `run`.
   *
   * @param run rejects with what the source throws
   */
  bulk?(info: BulkInfo, run: () => Promise<BulkOutcome>): unknown
  /**
   * Wraps each call of a handler. Messages that reach no handler, such as expired ones, never reach it. What becomes of the
   * message is known later, from `events`.
   *
   * @param run rejects with what the handler throws
   */
  process?(info: ProcessInfo, run: () => Promise<void>): unknown
  /**
   * `connect` has succeeded. Its `health()` can be asked from now on, for gauges. If this returns a function, that is called
   * once, when the connection has closed.
   */
  connected?(connection: Pick<Dueque, 'health'>): unknown
  /**
   * A consumer starts. Its `stats()` can be asked from now on, for gauges. If this returns a function, that is called once,
   * when the consumer has closed or could not start.
   *
   * @param names of the messages that have a handler of their own there
   */
  consuming?(consumer: Consumer, names: readonly string[]): unknown
  /** Listeners, as those of `mq.on`. */
  events?: Partial<DuequeEvents> | undefined
}

const TELEMETRY_RULES: Rules<Telemetry> = {
  tracesMessages: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  schedule: aFunction,
  cancel: aFunction,
  reschedule: aFunction,
  bulk: aFunction,
  process: aFunction,
  connected: aFunction,
  consuming: aFunction,
  events: group(EVENT_RULES),
}

/** One telemetry, or a list of them. */
export const aTelemetry: Rule = (value, option) => {
  if (!Array.isArray(value)) checkTelemetry(value, option)
  else for (const [i, one] of value.entries()) checkTelemetry(one, `${option}[${i}]`)
  return undefined
}

/** One that would do nothing is a mistake. */
function checkTelemetry(value: unknown, option: string): void {
  checkOptions(value, TELEMETRY_RULES, option)
  const given = Object.keys(TELEMETRY_RULES).filter((name) => (value as Record<string, unknown>)[name] !== undefined)
  if (given.some((name) => name !== 'tracesMessages')) return
  throw invalidOption(option, 'at least one hook (a spread of an instance has none of its methods)', value)
}
