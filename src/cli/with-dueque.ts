import { connect } from '../connect.js'
import type { CancelMethods, Dueque, LadderStrategy, WaitingMethods } from '../index.js'
import { ladder, type JournalledLadder } from '../strategies/ladder/ladder.js'
import { storeStrategy } from '../strategies/store/store-strategy.js'
import type { Strategy } from '../strategies/strategy.js'
import type { WaitingView } from '../strategies/waiting-view.js'
import { journalOf, type JournalSettings } from './journal-option.js'
import { connectOptions, type Settings } from './settings.js'
import { chosenStore } from './stores/chosen-store.js'
import type { Terminal } from './terminal.js'

/**
 * Connects, and closes when the work ends, however it ends. Messages wait in the store that was chosen, if one was; due
 * messages in it are left to `dueque relay`.
 */
export async function withDueque<T>(
  settings: Settings & JournalSettings,
  terminal: Terminal,
  work: (mq: Dueque) => Promise<T>,
): Promise<T> {
  const journal = journalOf(settings)
  const chosen = await chosenStore(settings)
  const strategy: Strategy = chosen ? storeStrategy(chosen.store, { relay: false }) : ladder({ journal })
  try {
    return await closedAfter(connect({ ...connectOptions(settings, terminal), strategy }), terminal, work)
  } finally {
    await chosen?.close()
  }
}

/** The same, for messages that wait in RabbitMQ itself. */
export function withLadder<T>(
  settings: Settings & JournalSettings,
  terminal: Terminal,
  work: (mq: Dueque<LadderStrategy> & CancelMethods) => Promise<T>,
): Promise<T> {
  return closedAfter(
    connect({ ...connectOptions(settings, terminal), strategy: ladder({ journal: journalOf(settings) }) }),
    terminal,
    work,
  )
}

/**
 * The same, to reschedule messages of a journal, which has their content.
 *
 * @param journal where messages are looked up
 */
export function withJournalled<T>(
  settings: Settings,
  terminal: Terminal,
  journal: WaitingView,
  work: (mq: Dueque<JournalledLadder> & WaitingMethods) => Promise<T>,
): Promise<T> {
  const strategy: JournalledLadder = { ...ladder({ journal: true }), journal }
  return closedAfter(connect({ ...connectOptions(settings, terminal), strategy }), terminal, work)
}

async function closedAfter<D extends Dueque, T>(
  connecting: Promise<D>,
  terminal: Terminal,
  work: (mq: D) => Promise<T>,
): Promise<T> {
  const mq = watched(await connecting, terminal)
  try {
    return await work(mq)
  } finally {
    await mq.close()
  }
}

/** Prints its errors, and a warning when RabbitMQ takes no messages. */
export function watched<D extends Dueque>(mq: D, terminal: Terminal): D {
  mq.on('error', (error) => terminal.error(error))
  mq.on('blocked', (reason) => terminal.warn('RabbitMQ takes no messages for now', { reason }))
  return mq
}
