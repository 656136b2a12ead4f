import { destinationText, type Destination } from '../message/destination.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import { DuequeError, shown } from '../base/errors.js'

/**
 * The messages that wait in a strategy's store, to look at and to change. Each answer is exact, as of one instant. Only a
 * count or a list with a filter may span several instants, if the store has to walk through its messages. A message that was
 * handed to a relay no longer waits, even if the relay gives it back later.
 */
export interface Waitlist {
  /** The messages with this id, the latest revision first. */
  find(id: string): Promise<readonly DelayedMessage[]>
  /** False if the message no longer waits. */
  remove(message: DelayedMessage): Promise<boolean>
  /**
   * Replaces `message` by `by`, which has the same id, revision, attempt and destination, and may differ in its times, content
   * and headers. False if `message` no longer waits until the same time.
   */
  replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean>
  /** In the order of {@link Position}, from `after` on, not including it. */
  list(
    filter: WaitlistFilter,
    page: { after?: Position | undefined; limit: number },
  ): Promise<readonly DelayedMessage[]>
  count(filter: WaitlistFilter): Promise<number>
}

/** A message has to fit every field that is given. */
export interface WaitlistFilter {
  /** The earliest time of handing over, which for a retry is later than its due time. Milliseconds since the epoch. */
  readonly from?: number | undefined
  /** Not including this instant. */
  readonly to?: number | undefined
  readonly name?: string | undefined
  /** An exchange without a routing key stands for all of its keys. */
  readonly destination?: Destination | undefined
}

/** A place in the order in which messages leave: by time, and among messages of one time in the store's order. */
export interface Position {
  readonly readyAt: number
  readonly key: string
}

export function positionOf(message: DelayedMessage): Position {
  return { readyAt: readyAt(message), key: entryKey(message) }
}

/**
 * Identifies a waiting message. A schedule and its repetition have the same key; the retries of one message for two queues
 * have two. The due time is not part of the key.
 */
export function entryKey({ id, revision, attempt, destination }: DelayedMessage): string {
  return JSON.stringify([revision, attempt, destinationText(destination), id])
}

export function fits(filter: WaitlistFilter, message: DelayedMessage): boolean {
  const { from = -Infinity, to = Infinity, name, destination } = filter
  const at = readyAt(message)
  if (at < from || at >= to) return false
  if (name !== undefined && name !== message.name) return false
  if (!destination) return true
  if (destinationText(destination) !== destinationText(message.destination)) return false
  return destination.routingKey === undefined || destination.routingKey === message.destination.routingKey
}

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
