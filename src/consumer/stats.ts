import type { CloseOptions } from './options.js'

/** A running consumer. */
export interface Consumer {
  readonly queue: string
  stats(): ConsumerStats
  /** Whether {@link pause} was called last. */
  readonly isPaused: boolean
  /**
   * Takes no more messages until {@link resume}: no handler starts, and messages that have not started go back to the queue,
   * for other consumers. Running handlers go on. It survives a reconnect. Idempotent; resolves when the messages are back.
   *
   * @throws DuequeError `CLOSED`
   */
  pause(): Promise<void>
  /** Takes messages again. Idempotent. @throws DuequeError `CLOSED` */
  resume(): Promise<void>
  /**
   * Stops taking messages, waits for running handlers, and requeues all other messages. In a handler of this
   * consumer its promise rejects with `CLOSE_IN_HANDLER`, and the close goes on: call it there without `await`.
   *
   * @param options.drainTimeoutMs milliseconds for all of it. Handlers have all but the last quarter, one second at most;
   * then their signal is aborted and they are left behind. @default 30_000
   */
  close(options?: CloseOptions): Promise<void>
}

/** What a consumer has done since it started. */
export interface ConsumerStats {
  /** Handlers that returned without another decision. */
  readonly handled: number
  /** Messages that wait for their next attempt, or have waited. */
  readonly retried: number
  /** Messages moved to the dead queue. */
  readonly dead: number
  /** Duplicates of settled messages, acknowledged without a handler. */
  readonly suppressed: number
  /** Cancelled messages, acknowledged without a handler or without a further attempt. */
  readonly cancelled: number
  /** Arrived far too early, by over 30 s, and put back to wait: clocks differ. One message may count more than once. */
  readonly putBack: number
  /** Arrived early and waiting in this process. */
  readonly held: number
  readonly running: number
  /** Copies of running messages that wait for their outcome. */
  readonly following: number
}
