import { aFunction, group, type Rules } from './base/checks.js'
import { errorText } from './base/errors.js'
import type { Logger } from './base/logger.js'
import { onRejection } from './base/on-rejection.js'
import type { Delivery } from './consumer/delivery.js'
import type { Consumer } from './consumer/stats.js'
import { EVENT_RULES, type DuequeEvents } from './events.js'
import type { DelayedMessage } from './message/delayed-message.js'
import type { Destination } from './message/destination.js'
import { checkHeaders, type Headers, type HeaderValue } from './message/headers.js'
import type { Receipt } from './message/receipt.js'

/** A schedule, for {@link Telemetry.schedule}. */
export interface ScheduleInfo {
  readonly id: string
  readonly name: string
  readonly to: Destination
  readonly dueAt: Date
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
 * Lets tracing and metrics follow messages. A member that is missing costs nothing.
 *
 * The hooks `schedule` and `process` call `run` once, before they return: what it starts has the hook's context. Whatever a
 * hook does, `run` runs exactly once. If the hook has not called it when it returns or throws, dueque calls it then;
 * further calls get the promise of the first. The outcome is that of `run`, as soon as it is known: nothing waits for what a
 * hook returns, or depends on it. Errors of a hook are logged.
 */
export interface Telemetry {
  /**
   * Wraps each schedule, also each item of `scheduleAll`, until it is confirmed or has failed. One that is refused for its
   * options need not reach it.
   *
   * @param headers those of the message. What the hook adds before it calls `run` travels, such as `traceparent`. If
   * `schedule` would refuse it, none of it travels, and the log has the reason
   */
  schedule?(info: ScheduleInfo, headers: Record<string, HeaderValue>, run: () => Promise<Receipt>): unknown
  /**
   * Wraps each call of a handler. Messages that reach no handler, such as expired ones, never reach it. What becomes of the
   * message is known later, from `events`.
   *
   * @param run rejects with what the handler throws
   */
  process?(info: ProcessInfo, run: () => Promise<void>): unknown
  /** A consumer starts. Its `stats()` can be asked from now on, for gauges. */
  consuming?(consumer: Consumer): void
  /** Listeners, as those of `mq.on`. */
  events?: Partial<DuequeEvents> | undefined
}

export const TELEMETRY_RULES: Rules<Telemetry> = {
  schedule: aFunction,
  process: aFunction,
  consuming: aFunction,
  events: group(EVENT_RULES),
}

/** A message that may still get other headers. */
type Draft = Pick<DelayedMessage, 'id' | 'name' | 'destination' | 'dueAt'> & { headers: Headers }

/** Drafts a message and sends it, inside the hook `schedule`, which must be there. */
export async function runSchedule<D extends Draft>(
  telemetry: Telemetry,
  prepare: () => D,
  send: (draft: D) => Promise<Receipt>,
  logger: Logger,
): Promise<Receipt> {
  const draft = prepare()
  const { id, name, destination: to, dueAt } = draft
  const headers: Record<string, HeaderValue> = { ...draft.headers }
  const run = () => {
    try {
      draft.headers = checkHeaders(headers)
    } catch (error) {
      logger.error('the headers of a telemetry hook are refused', { id, error: errorText(error) })
    }
    return send(draft)
  }
  const info = { id, name, to, dueAt: new Date(dueAt) }
  return runWrapped((once) => telemetry.schedule!(info, headers, once), run, logger)
}

/** Tells the hook `consuming`, if it is there. */
export function tellConsuming(telemetry: Telemetry, consumer: Consumer, logger: Logger): void {
  try {
    onRejection(telemetry.consuming?.(consumer), (error) => hookFailed(logger, error))
  } catch (error) {
    hookFailed(logger, error)
  }
}

/**
 * Runs `run` inside a hook, exactly once.
 *
 * @param run does not throw, but rejects
 * @returns the promise of `run`
 */
export function runWrapped<T>(
  hook: (run: () => Promise<T>) => unknown,
  run: () => Promise<T>,
  logger: Logger,
): Promise<T> {
  let running: Promise<T> | undefined
  const once = () => (running ??= run())
  try {
    const returned = hook(once)
    const outcome = once()
    if (returned !== outcome) onRejection(returned, (error) => ifNotOf(outcome, error, () => hookFailed(logger, error)))
  } catch (error) {
    hookFailed(logger, error)
  }
  return once()
}

/** Most hooks pass on what `run` rejects with, which is no error of theirs. */
function ifNotOf(outcome: Promise<unknown>, error: unknown, failed: () => void): void {
  outcome.then(failed, (own: unknown) => {
    if (own !== error) failed()
  })
}

function hookFailed(logger: Logger, error: unknown): void {
  logger.error('a telemetry hook threw', { error: errorText(error) })
}
