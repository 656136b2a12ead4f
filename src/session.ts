import { openInTime } from './amqp/connection/open-in-time.js'
import { DuequeError, errorText, invalidOption } from './base/errors.js'
import { TIMED_OUT, withTimeLimit } from './base/time-limit.js'
import type { Broker } from './broker.js'
import type { ResolvedOptions } from './options.js'
import type { Strategy } from './strategies/strategy.js'

/** An open broker with a started strategy. */
export interface Session<B extends Broker = Broker> {
  readonly broker: B
  /** Stops the strategy, then closes the broker. Idempotent. */
  close(): Promise<void>
  /** Ends both at once: whatever is under way fails. */
  destroy(): void
}

export interface SessionSettings {
  /** Called for errors that need an operator while nobody waits for an answer. */
  onError: (error: DuequeError) => void
  /** More to be started, once the strategy has started. */
  started?: (() => Promise<unknown> | undefined) | undefined
}

/** Strategies of open sessions. One that brings its broker along may be shared. */
const inUse = new WeakSet<Strategy>()

/**
 * Opens a broker and starts a strategy on it, for `connect` and for each work that needs no more than these two. A broker
 * that starts later is waited for as `waitMs` says. If a step fails, both are closed again.
 *
 * It stands beside the rooms, and not in `amqp/`, because the transport knows no strategy, and the broker may be memory.
 *
 * @throws DuequeError `UNREACHABLE` also if the broker is lost meanwhile and does not answer within `publishTimeoutMs`;
 * `ABORTED`, `INVALID_OPTION` if the strategy is that of another session, and what the strategy throws
 */
export async function openSession<B extends Broker>(
  broker: B,
  options: ResolvedOptions,
  { onError, started }: SessionSettings,
): Promise<Session<B>> {
  const { strategy, clock, logger, publishTimeoutMs, cancellations } = options
  if (inUse.has(strategy)) throw invalidOption('strategy', 'one of its own for each connection', 'one that is in use')
  if (!strategy.broker) inUse.add(strategy)
  let starting: Promise<void> | undefined
  let closing: Promise<void> | undefined
  const close = () => (closing ??= closeBoth())
  const closeBoth = async () => {
    inUse.delete(strategy)
    try {
      if (starting) await strategy.stop()
    } finally {
      await broker.close()
    }
  }
  const destroy = () => {
    broker.destroy?.()
    close().catch((error: unknown) => logger.debug('the end of a session failed', { error: errorText(error) }))
  }
  const start = async () => {
    await strategy.start({ broker, clock, logger, onError, graceMs: cancellations.graceMs })
    await started?.()
  }
  try {
    // A broker that the strategy brings along is never away.
    await (strategy.broker ? broker.open() : openInTime(broker, options))
    await withTimeLimit((starting = start()), publishTimeoutMs)
  } catch (error) {
    await close()
    throw error === TIMED_OUT ? unanswered(publishTimeoutMs) : error
  }
  return { broker, close, destroy }
}

function unanswered(ms: number): DuequeError {
  const message = `the broker did not answer within ${ms} ms of connecting (option: publishTimeoutMs)`
  return new DuequeError('UNREACHABLE', message, { hosts: [] })
}
