import { DuequeError, invalidOption, isDuequeError, withOutcome } from '../base/errors.js'
import { UNKNOWN_DUE } from '../log/horizons.js'
import type { CancellationRecord } from '../cancellation/cancellation-record.js'
import type { ScheduleItem } from '../dueque.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import type { Due } from '../message/due.js'
import type { Receipt } from '../message/receipt.js'
import type { Cancellations } from '../strategies/cancellations.js'
import type { JournalledMessage, WaitingView } from '../strategies/waiting-view.js'
import type { CancelResult } from './cancel-result.js'
import { checkContent, checkDueNames, rescheduled, type RescheduleContent } from './reschedule-content.js'
import { assertPast, latestRevision } from './revision.js'
import type { Instead } from './scheduler.js'
import { checkTarget, type ResolvedTarget } from './target.js'
import { findIn } from './view-methods.js'
import type { CancelMethods } from './waiting.js'

export interface CancellationSettings {
  now: () => number
  /** How long before the due time a record must be confirmed for the answer `cancelled`. */
  marginMs: number
  schedule: (item: ScheduleItem<never>, instead: Instead) => Promise<Receipt>
  scheduleCopy: (message: DelayedMessage, due: Due, instead: Instead) => Promise<Receipt>
}

/**
 * The methods of a strategy that keeps a log of cancellations.
 *
 * @param journal where the content of a waiting message can be found
 */
export function cancellationMethods(
  log: Cancellations,
  { now, marginMs, schedule, scheduleCopy }: CancellationSettings,
  journal?: WaitingView,
): Omit<CancelMethods, 'cancelAll'> {
  const ready = () => assertReady(log)
  /** Schedules the new message. */
  const replace = async (old: ResolvedTarget, due: Due, content: RescheduleContent | undefined) => {
    if (content !== undefined) {
      const instead = { leastRevision: (old.revision ?? -1) + 1, ready }
      return { old, receipt: await schedule(rescheduled(content, old, due, old.destination) as never, instead) }
    }
    const found = await foundIn(journal, old)
    const [message] = found
    if (!message) return undefined
    const receipt = await scheduleCopy(withBody(message), due, { leastRevision: message.revision + 1, ready })
    return { old: { ...old, dueAt: old.dueAt ?? Math.max(...found.map(readyAt)) }, receipt }
  }
  return {
    async cancel(target) {
      const resolved = checkTarget(target)
      await log.write(recordOf(resolved, now()))
      return answer(resolved.dueAt, now(), marginMs)
    },
    async reschedule(target, due, content) {
      const resolved = checkTarget(target)
      if (resolved.revision !== undefined) assertPast(resolved.revision, now())
      checkDueNames(due)
      if (content !== undefined) checkContent(content as never)
      // A crash behind this leaves both messages, and none would be lost.
      const replaced = await replace(resolved, due, content)
      if (!replaced) return undefined
      const { old, receipt } = replaced
      await log.write(replacing(old, receipt, now())).catch((error: unknown) => {
        throw notReplaced(error, receipt)
      })
      return { ...receipt, replaced: answer(old.dueAt, now(), marginMs) }
    },
  }
}

/** The waiting messages of a target as the journal has them, the latest first. @throws DuequeError `INVALID_OPTION` */
function foundIn(journal: WaitingView | undefined, target: ResolvedTarget): Promise<readonly JournalledMessage[]> {
  if (!journal) throw noContent('RabbitMQ cannot look up what the waiting message holds')
  return findIn(journal, target)
}

function withBody(message: JournalledMessage): DelayedMessage {
  const { body } = message
  if (!body) throw noContent('the journal keeps no bodies')
  return { ...message, body }
}

/** Without a record of an id, it does not matter whether what it wrote is there. */
async function assertReady(log: Cancellations): Promise<void> {
  try {
    await log.ready?.()
  } catch (error) {
    throw isDuequeError(error) ? withOutcome(error, 'refused') : error
  }
}

function recordOf({ id, revision, dueAt }: ResolvedTarget, now: number): CancellationRecord {
  // No reader takes a negative one.
  const due = dueAt === undefined ? undefined : Math.max(dueAt, 0)
  return revision === undefined ? { id, upTo: latestRevision(now), due } : { id, revision, due }
}

/**
 * The record of a reschedule. It lives until the later of both due times: it also cancels the copies of earlier attempts
 * at the same reschedule, which may be due as late as the new one.
 */
function replacing(
  { id, dueAt }: ResolvedTarget,
  { revision, dueAt: newDueAt }: Receipt,
  now: number,
): CancellationRecord {
  const newDue = Date.parse(newDueAt)
  // Until then a record without a due time lives.
  const isCovered = dueAt === undefined && newDue <= now + UNKNOWN_DUE.ms
  return { id, keep: revision, due: isCovered ? undefined : Math.max(dueAt ?? 0, newDue, 0) }
}

function answer(dueAt: number | undefined, confirmedAt: number, marginMs: number): CancelResult {
  if (dueAt === undefined) return 'unknown'
  return confirmedAt + marginMs <= dueAt ? 'cancelled' : 'too-late'
}

function noContent(reason: string): DuequeError<'INVALID_OPTION'> {
  return invalidOption('content', `{ message, payload, options }, because ${reason}`, undefined)
}

/** The new message waits, but the old one may not be cancelled. */
function notReplaced(error: unknown, receipt: Receipt): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = 'the new message is scheduled, and the old one may not be cancelled: both may be delivered'
  const todo = 'Repeat the call with the same target and due time'
  return new DuequeError(code, `${what}. ${todo}. ${message}`, data, { cause: error, outcome: 'unknown', receipt })
}
