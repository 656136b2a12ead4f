import { DuequeError, isDuequeError } from '../base/errors.js'
import type { JournalView } from '../journal/view/journal-view.js'
import { operatorSettings } from '../operate/operator-settings.js'
import { visitPages } from '../operate/waiting-changes.js'
import type { JournalledMessage, WaitingView, WaitlistFilter } from '../strategies/waiting-view.js'
import type { Progress } from './progress.js'
import { connectOptions, type Settings } from './settings.js'
import { hasStore } from './stores/store-options.js'
import type { Terminal } from './terminal.js'

/** The waiting messages of a store, or of the journal of a namespace. */
export interface Waiting extends WaitingView {
  /** Visits every message that fits, in no order. */
  forEach(filter: WaitlistFilter, visit: (message: JournalledMessage) => void): Promise<void>
}

/**
 * Looks at the store that was chosen, or else at the journal in RabbitMQ. Nothing is declared and nothing is written. A journal is
 * read anew for each question.
 *
 * @throws DuequeError `TOPOLOGY_MISSING` if there is neither
 */
export async function withWaiting<T>(
  settings: Settings,
  terminal: Terminal,
  work: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  if (hasStore(settings)) {
    const { withStore } = await import('./stores/chosen-store.js')
    const counting = async (store: WaitingView, ...[filter, visit]: Parameters<Waiting['forEach']>) => {
      const looking = terminal.progress('reading the store', 'messages')
      let count = 0
      const counted = (message: JournalledMessage) => {
        looking.update(++count)
        visit(message)
      }
      await visitPages((...page) => store.list(...page), filter, counted).finally(() => looking.end())
    }
    const visit = (store: WaitingView): Waiting => ({ ...views(store), forEach: (...of) => counting(store, ...of) })
    return withStore(settings, terminal, (store) => work(visit(store)))
  }
  const { withJournal } = await import('../journal/with-journal.js')
  let progress: Progress | undefined
  const onRecords = (read: number, whole: number | undefined) => progress?.update(read, whole && read / whole)
  const tracked = async <R>(answer: Promise<R>): Promise<R> => {
    progress = terminal.progress('reading the journal', 'records')
    try {
      return await answer
    } catch (error) {
      throw withStoreHint(error)
    } finally {
      progress.end()
    }
  }
  const read = (journal: JournalView) => work(trackedView(journal, tracked))
  return withJournal(operatorSettings(connectOptions(settings, terminal)), read, { onRecords })
}

function views(view: WaitingView): WaitingView {
  return {
    find: (id) => view.find(id),
    list: (filter, page) => view.list(filter, page),
    count: (filter) => view.count(filter),
    countBy: (filter, spanMs) => view.countBy(filter, spanMs),
    countByDestination: () => view.countByDestination(),
  }
}

function trackedView(journal: JournalView, tracked: <R>(answer: Promise<R>) => Promise<R>): Waiting {
  return {
    find: (id) => tracked(journal.find(id)),
    list: (filter, page) => tracked(journal.list(filter, page)),
    count: (filter) => tracked(journal.count(filter)),
    countBy: (filter, spanMs) => tracked(journal.countBy(filter, spanMs)),
    countByDestination: () => tracked(journal.countByDestination()),
    forEach: (filter, visit) => tracked(journal.forEach(filter, visit)),
  }
}

function withStoreHint(error: unknown): unknown {
  if (!isDuequeError(error, 'TOPOLOGY_MISSING')) return error
  const hint = 'If messages wait in a store, name it: --redis URL or --postgres URL'
  return new DuequeError('TOPOLOGY_MISSING', `${error.message}. ${hint}`, error.data, { cause: error })
}
