import type { AmqpConnection } from '../../amqp/connection/connection.js'
import type { Names } from '../../amqp/topology/names.js'
import { systemClock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { throttle } from '../../base/throttle.js'
import { GRACE_MS } from '../../log/horizons.js'
import type { MessageLogKind } from '../../log/log-layout.js'

/** Where a journal is read, and by which time. */
export interface JournalSource {
  readonly names: Pick<Names, 'namespace' | 'prefix'>
  /** A connection to read on: a long replay would hold up whatever else goes over it. */
  connect(): Promise<LentConnection>
  /** Declares the streams of a log, before each start of a reader. @default nothing is declared */
  declare?(kind: MessageLogKind): Promise<void>
  /** A stream was deleted. */
  deleted?(): void
  /** Milliseconds since the epoch: messages that are ready after it wait. */
  now(): number
  /** How long a cancellation counts after its due time. */
  readonly graceMs: number
  readonly logger: Logger
  /** Whether a warning that comes again and again may be logged. */
  readonly isNews: (what: string) => boolean
  /** Without another record for so long before its end, a stream is given up. @default 30,000 */
  readonly silentMs?: number | undefined
}

export interface LentConnection {
  readonly connection: AmqpConnection
  /** Gives it back. */
  readonly release: () => Promise<void>
}

export interface SourceSettings extends Pick<JournalSource, 'names' | 'logger'> {
  /** As the consumers' option. */
  cancellations?: { graceMs: number } | undefined
}

/** A source for an operator, over a connection that the caller closes. Nothing is declared. */
export function sourceOver(
  connection: AmqpConnection,
  { names, logger, cancellations }: SourceSettings,
  now: () => number,
): JournalSource {
  return {
    names,
    logger,
    isNews: throttle(systemClock),
    graceMs: cancellations?.graceMs ?? GRACE_MS,
    now,
    connect: () => Promise.resolve({ connection, release: () => Promise.resolve() }),
  }
}
