import type { AmqpBroker } from '../amqp/amqp-broker.js'
import { systemClock, type Timeline } from '../base/clock.js'
import { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { throttle } from '../base/throttle.js'
import type { WaitingView } from '../strategies/waiting-view.js'
import { GRACE_MS } from '../log/horizons.js'
import { cancellationLayout, journalLayout, type MessageLogKind } from '../log/log-layout.js'
import { StreamLog } from '../log/stream-log.js'
import { resolveJournal, type JournalOptions } from './journal-options.js'
import type { JournalSource } from './reading/journal-source.js'
import { JournalWriter } from './writing/journal-writer.js'
import { JournalView } from './view/journal-view.js'

/** The journal of a started strategy. */
export interface OpenJournal {
  readonly writer: JournalWriter
  readonly view: JournalView
}

interface Parts {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
  /** How long a cancellation counts after its due time. */
  graceMs?: number | undefined
}

/** Undefined without a journal. */
export function openJournal(options: boolean | JournalOptions | undefined, parts: Parts): OpenJournal | undefined {
  const resolved = resolveJournal(options)
  if (!resolved) return undefined
  return { writer: new JournalWriter({ ...parts, ...resolved }), view: new JournalView(sourceOf(parts), resolved) }
}

/** The journal of the namespace of a broker. Its streams are declared, since a reader that goes on misses those that come later. */
export function sourceOf({ broker, clock, logger, graceMs = GRACE_MS }: Parts): JournalSource {
  const logs: Record<MessageLogKind, StreamLog> = {
    journal: new StreamLog({ broker, layout: journalLayout(broker.names), clock, logger }),
    cancellations: new StreamLog({ broker, layout: cancellationLayout(broker.names), clock, logger }),
  }
  return {
    names: broker.names,
    async connect() {
      const connection = await broker.openApart('journal')
      return { connection, release: () => connection.close() }
    },
    declare: (kind) => logs[kind].declare(broker.topology),
    deleted: () => broker.topology.forget(),
    now: () => clock.now(),
    graceMs,
    logger,
    isNews: throttle(systemClock),
  }
}

export async function closeJournal(journal: OpenJournal | undefined): Promise<void> {
  await Promise.all([journal?.writer.close(), journal?.view.close()])
}

/** The facet of a strategy that keeps a journal. */
export function journalFacet(strategy: string, journal: () => OpenJournal | undefined): WaitingView {
  const view = async (): Promise<JournalView> => {
    const open = journal()
    if (!open) throw new DuequeError('CLOSED', `the strategy ${strategy} is not started`, {})
    return Promise.resolve(open.view)
  }
  return {
    find: async (id) => (await view()).find(id),
    list: async (filter, page) => (await view()).list(filter, page),
    listShort: async (filter, page) => (await view()).listShort(filter, page),
    count: async (filter) => (await view()).count(filter),
    countBy: async (filter, spanMs) => (await view()).countBy(filter, spanMs),
    countByDestination: async () => (await view()).countByDestination(),
  }
}
