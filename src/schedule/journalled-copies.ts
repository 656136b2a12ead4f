import { invalidOption, isDuequeError, withOutcome, type DuequeError } from '../base/errors.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import { destinationText } from '../message/destination.js'
import { resolveDue, type Due } from '../message/due.js'
import { withReceipt, type Receipt } from '../message/receipt.js'
import type { Strategy } from '../strategies/strategy.js'
import type { JournalledMessage } from '../strategies/waiting-view.js'
import { assertPast, nextRevision } from './revision.js'
import type { ResolvedTarget } from './target.js'
import { findIn } from './view-methods.js'

/** A new schedule, and the times of those in whose place it is, in milliseconds since the epoch, as far as they are known. */
export interface Replaced {
  readonly receipt: Receipt
  readonly firstDue: number | undefined
  readonly lastDue: number | undefined
}

interface CopySettings {
  now: () => number
  /** Schedules a waiting message under another revision and due time. */
  copy: (message: DelayedMessage, as: { revision: number; dueAt: number }) => Promise<Receipt>
}

/**
 * Schedules the waiting messages of a target anew, with the content that the journal has.
 *
 * @returns nothing if none waits
 * @throws DuequeError `INVALID_OPTION` without a journal that keeps bodies
 */
export async function copied(
  { journal, limits }: Pick<Strategy, 'journal' | 'limits'>,
  target: ResolvedTarget,
  due: Due,
  { now, copy }: CopySettings,
): Promise<Replaced | undefined> {
  if (!journal) throw contentMissing('RabbitMQ cannot look up what the waiting message holds')
  const dueAt = resolveDue(due, now(), limits.maxDelayMs)
  const found = await findIn(journal, target)
  const [latest] = found
  if (!latest) return undefined
  assertPast(latest.revision, now())
  const as = { revision: nextRevision(now(), latest.revision + 1), dueAt }
  const receipt = await firstReceipt(latestOf(found).map((message) => copy(message, as)))
  const times = found.map(readyAt)
  const firstDue = times.reduce((first, time) => Math.min(first, time))
  const lastDue = times.reduce((last, time) => Math.max(last, time), target.dueAt ?? 0)
  return { receipt, firstDue, lastDue }
}

/**
 * The messages to schedule anew when an id is rescheduled: those of the latest revision. The retries of one message wait for
 * several queues, if an exchange has delivered it to these: one for each queue, because the record of the reschedule cancels
 * all of them.
 *
 * @param found with the latest revision first
 * @throws DuequeError `INVALID_OPTION` if the journal keeps no bodies
 */
export function latestOf(found: readonly JournalledMessage[]): DelayedMessage[] {
  const byDestination = new Map<string, JournalledMessage>()
  for (const message of found.filter(({ revision }) => revision === found[0]!.revision)) {
    const { destination, attempt } = message
    const key = JSON.stringify([destinationText(destination), destination.routingKey])
    const other = byDestination.get(key)
    // Copies of one retry, after a crash: only the last goes on.
    if (!other || other.attempt < attempt) byDestination.set(key, message)
  }
  return [...byDestination.values()].map(withBody)
}

/** The receipt of the first of several copies. @throws what failed, with the outcome of all of them together */
export async function firstReceipt(copies: readonly Promise<Receipt>[]): Promise<Receipt> {
  const outcomes = await Promise.allSettled(copies)
  const receipts = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const [receipt] = receipts
  if (failures.length === 0) return receipt!
  // If one refused copy is alone, nothing waits that did not wait before.
  const unknown = failures.find((error) => isDuequeError(error) && error.outcome === 'unknown')
  const error = unknown ?? failures[0]
  if (!receipt || !isDuequeError(error)) throw error
  throw withReceipt(withOutcome(error, 'unknown'), receipt)
}

function contentMissing(reason: string): DuequeError<'INVALID_OPTION'> {
  return invalidOption('content', `{ message, payload, options }, because ${reason}`, undefined)
}

function withBody(message: JournalledMessage): DelayedMessage {
  const { body } = message
  if (!body) throw contentMissing('the journal keeps no bodies')
  return { ...message, body }
}
