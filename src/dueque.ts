import type { Handler } from './consumer/delivery.js'
import type { CloseOptions, ConsumeOptions } from './consumer/options.js'
import type { Consumer } from './consumer/stats.js'
import type { DuequeEvents } from './events.js'
import type { Health } from './health.js'
import type { MessageDefinition } from './message/definition.js'
import type { Receipt } from './message/receipt.js'
import type { StrategyBulkOptions } from './schedule/batching/bulk-options.js'
import type { ScheduleOptions } from './schedule/schedule-options.js'
import type { ScheduleRun } from './schedule/schedule-run.js'
import type { Strategy } from './strategies/strategy.js'
import type { RecurringMethods } from './recurring/recurring.js'
import type { StrategyScheduleOptions, WaitMethods } from './schedule/waiting.js'
import type { RecurringDefinitions } from './strategies/recurring-definitions.js'

/** One item of `scheduleAll`: what the three arguments of `schedule` say. */
export interface ScheduleItem<In = unknown, Options = ScheduleOptions> {
  message: MessageDefinition<In, unknown>
  payload: In
  options: Options
}

/** The methods that a `Dueque` has beside those of every strategy, by the facets of its strategy. */
export type StrategyMethods<S> = WaitMethods<S> &
  (S extends { readonly definitions: RecurringDefinitions } ? RecurringMethods : unknown)

/** An open connection to the broker. Made by `connect`. */
export interface Dueque<S extends Strategy = Strategy> extends AsyncDisposable {
  readonly strategy: S
  /**
   * Makes a message wait and be delivered when it is due. Resolves when the waiting copy is confirmed: from then on it
   * survives a restart of the broker and of this process. Delivery is at least once.
   *
   * @throws DuequeError with an `outcome`: `refused`, nothing waits; `unknown`, the answer was lost and it may wait
   */
  schedule<In>(
    message: MessageDefinition<In, unknown>,
    payload: In,
    options: ScheduleOptions & StrategyScheduleOptions<S>,
  ): Promise<Receipt>
  /**
   * Schedules many, with at most `maxInFlight` messages and 64 MiB of bodies on the way. One bad item does not stop the rest.
   *
   * `await` it to schedule everything: it resolves to counts and the first 1000 failures, and rejects only if the source
   * does. Iterate it to get each result as it is known; the source is read as fast as results are taken. Nothing is
   * scheduled before that; a run that is not used within a second is a warning in the log.
   *
   * With `batch: true`, messages to one queue that fall due at about the same time travel together, and twice as many are on
   * the way: several times as fast, for consumers that take batches (their option `batches`). Each message has its receipt, or its
   * error, as without.
   *
   * @throws DuequeError `INVALID_OPTION` if there is nothing to iterate, or for `batch` with a store
   * @example
   * const { scheduled, failed, failures } = await mq.scheduleAll(items)
   * @example
   * for await (const { item, receipt, error } of mq.scheduleAll(items)) …
   * @example
   * await mq.scheduleAll(reminders, { batch: true })
   */
  scheduleAll<In, Item extends ScheduleItem<In, ScheduleOptions & StrategyScheduleOptions<S>>>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: StrategyBulkOptions<S>,
  ): ScheduleRun<Item>
  /**
   * Receives the messages of a queue. A handler's return acks its message; a throw has it retried by the policy
   * `retry`, or moved to the queue `<queue>.dead`. Resolves once every cancellation of the namespace is read, or could not
   * be for 30 s.
   *
   * @throws DuequeError `DESTINATION_MISSING` with `declare: false`, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, …
   */
  consume(queue: string, handlers: readonly Handler[], options?: ConsumeOptions): Promise<Consumer>
  /**
   * The state at this moment, for a readiness probe. It asks neither broker nor store, never waits and never throws. A broker
   * that vanishes silently is noticed within three heartbeats (option `heartbeatSeconds`), an alarm at the first schedule after
   * it.
   *
   * @example
   * createServer((_, response) => {
   *   const health = mq.health()
   *   response.writeHead(health.ok ? 200 : 503).end(JSON.stringify(health))
   * })
   */
  health(): Health
  /** Returns what removes the listener. */
  on<E extends keyof DuequeEvents>(event: E, listener: DuequeEvents[E]): () => void
  /**
   * Drains: consumers stop and finish what they handle, schedules that are under way are confirmed or fail, then the
   * connections close. Other calls fail with `CLOSED` from now on; what running handlers schedule is still taken. In a
   * handler its promise rejects with `CLOSE_IN_HANDLER`, and the close goes on: call it there without `await`. Idempotent.
   *
   * @param options.drainTimeoutMs milliseconds for all of it. Handlers have all but the last quarter, one second at most;
   * then their signal is aborted. What has no outcome at the end is left behind, schedules fail with `CLOSED`, and nothing
   * of dueque's keeps the process alive. @default 30_000
   */
  close(options?: CloseOptions): Promise<void>
}
