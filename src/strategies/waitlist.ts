import { DuequeError, shown } from '../base/errors.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { WaitingView } from './waiting-view.js'

/**
 * The messages that wait in a strategy's store, to look at and to change. Each answer is exact, as of one instant. Only a
 * count or a list with a filter may span several instants, if the store has to walk through its messages. A message that was
 * handed to a relay no longer waits, even if the relay gives it back later.
 */
export interface Waitlist extends WaitingView<DelayedMessage> {
  /** False if the message no longer waits. */
  remove(message: DelayedMessage): Promise<boolean>
  /**
   * Replaces `message` by `by`, which has the same id, revision, attempt and destination, and may differ in its times, content
   * and headers. False if `message` no longer waits until the same time.
   */
  replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean>
  /**
   * Works in a transaction of the caller, after all that was begun in it before. `remove` and `replace` wait for no other
   * transaction there: false may also mean that another one has locked the message. Only with a
   * `checkTransaction`.
   */
  within?<T>(transaction: unknown, work: (waitlist: TransactionWaitlist) => Promise<T>): Promise<T>
}

/** What a waitlist offers in a transaction of the caller. */
export type TransactionWaitlist = Pick<Waitlist, 'find' | 'remove' | 'replace'>

/** With `onConflict: 'ignore'`, where the message that waits under the id cannot be read. */
export function conflictsUnread(id: string, store: string): DuequeError<'STORED_MESSAGE_UNREADABLE'> {
  const what = `the message that waits under the id ${shown(id)} cannot be read, so there is no receipt of it`
  const mend = "onConflict: 'replace' takes its place"
  return new DuequeError('STORED_MESSAGE_UNREADABLE', `${store}: ${what}. ${mend}`, { store, count: 1, keys: [] })
}

/** With `onConflict: 'error'`. */
export function conflict(id: string): DuequeError<'CONFLICT'> {
  return new DuequeError('CONFLICT', `id: a message with the id ${shown(id)} waits already (option: onConflict)`, {
    id,
  })
}
