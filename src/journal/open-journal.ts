import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { Timeline } from '../base/clock.js'
import { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { WaitingView } from '../strategies/waiting-view.js'
import { resolveJournal, type JournalOptions } from './journal-options.js'
import { Journal } from './journal.js'
import { JournalView } from './journal-view.js'

/** The journal of a started strategy. */
export interface OpenJournal {
  readonly writer: Journal
  readonly view: JournalView
}

/** Undefined without a journal. */
export function openJournal(
  options: boolean | JournalOptions | undefined,
  { broker, clock, logger }: { broker: AmqpBroker; clock: Timeline; logger: Logger },
): OpenJournal | undefined {
  const resolved = resolveJournal(options)
  if (!resolved) return undefined
  const settings = { broker, clock, logger, ...resolved }
  return { writer: new Journal(settings), view: new JournalView(settings) }
}

export async function closeJournal(journal: OpenJournal | undefined): Promise<void> {
  await Promise.all([journal?.writer.close(), journal?.view.close()])
}

/** The facet of a strategy that keeps a journal. */
export function journalFacet(strategy: string, journal: () => OpenJournal | undefined): WaitingView {
  const view = async (): Promise<WaitingView> => {
    const open = journal()
    if (!open) throw new DuequeError('CLOSED', `the strategy ${strategy} is not started`, {})
    return Promise.resolve(open.view)
  }
  return {
    find: async (id) => (await view()).find(id),
    list: async (filter, page) => (await view()).list(filter, page),
    count: async (filter) => (await view()).count(filter),
    countBy: async (filter, spanMs) => (await view()).countBy(filter, spanMs),
  }
}
