import { DuequeError, isDuequeError, withOutcome } from '../base/errors.js'
import { UNKNOWN_DUE } from '../log/horizons.js'
import type { CancellationRecord } from '../cancellation/cancellation-record.js'
import type { ScheduleItem } from '../dueque.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { Due } from '../message/due.js'
import type { Receipt } from '../message/receipt.js'
import type { Cancellations } from '../strategies/cancellations.js'
import type { Strategy } from '../strategies/strategy.js'
import type { CancelResult } from './cancel-result.js'
import { copied, type Replaced } from './journalled-copies.js'
import { checkContent, checkDueNames, rescheduled, type RescheduleContent } from './reschedule-content.js'
import { assertPast, latestRevision } from './revision.js'
import type { Instead, Scheduler } from './scheduler.js'
import { checkTarget, type ResolvedTarget } from './target.js'
import type { CancelMethods } from './waiting.js'

export interface CancellationSettings {
  now: () => number
  /** How long before the due time a record must be confirmed for the answer `cancelled`. */
  marginMs: number
  schedule: (item: ScheduleItem<never>, instead: Instead) => Promise<Receipt>
  scheduleCopy: Scheduler['scheduleCopy']
}

/** What a strategy needs for these methods. With a journal, the content of a waiting message can be found. */
type Facets = Required<Pick<Strategy, 'limits' | 'cancellations'>> & Pick<Strategy, 'journal'>

/** The methods of a strategy that keeps a log of cancellations. */
export function cancellationMethods(
  facets: Facets,
  { now, marginMs, schedule, scheduleCopy }: CancellationSettings,
): Omit<CancelMethods, 'cancelAll'> {
  const { cancellations: log } = facets
  const ready = () => assertReady(log)
  const replace = async (old: ResolvedTarget, due: Due, content: RescheduleContent<never>): Promise<Replaced> => {
    const instead = { leastRevision: (old.revision ?? -1) + 1, ready }
    const receipt = await schedule(rescheduled(content, old, due, old.destination), instead)
    return { receipt, firstDue: old.dueAt, lastDue: old.dueAt }
  }
  const copy = (message: DelayedMessage, as: { revision: number; dueAt: number }) =>
    scheduleCopy(message, { ...as, ready })
  return {
    async cancel(target) {
      const resolved = checkTarget(target)
      await log.write(recordOf(resolved, now()))
      return answer(resolved.dueAt, now(), marginMs)
    },
    async reschedule(target, due, given) {
      const content = given as RescheduleContent<never> | undefined
      const old = checkTarget(target)
      if (old.revision !== undefined) assertPast(old.revision, now())
      checkDueNames(due)
      if (content !== undefined) checkContent(content)
      // A crash behind this leaves both messages, and none would be lost.
      const replaced = await (content === undefined
        ? copied(facets, old, due, { now, copy })
        : replace(old, due, content))
      if (!replaced) return undefined
      const { receipt, firstDue, lastDue } = replaced
      await log.write(replacing(receipt, lastDue, now())).catch((error: unknown) => {
        throw notReplaced(error, receipt)
      })
      return { ...receipt, replaced: answer(firstDue, now(), marginMs) }
    },
  }
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
function replacing({ id, revision, dueAt }: Receipt, lastDue: number | undefined, now: number): CancellationRecord {
  const newDue = Date.parse(dueAt)
  // Until then a record without a due time lives.
  const isCovered = lastDue === undefined && newDue <= now + UNKNOWN_DUE.ms
  return { id, keep: revision, due: isCovered ? undefined : Math.max(lastDue ?? 0, newDue, 0) }
}

function answer(dueAt: number | undefined, confirmedAt: number, marginMs: number): CancelResult {
  if (dueAt === undefined) return 'unknown'
  return confirmedAt + marginMs <= dueAt ? 'cancelled' : 'too-late'
}

/** The new message waits, but the old one may not be cancelled. */
function notReplaced(error: unknown, receipt: Receipt): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = 'the new message is scheduled, and the old one may not be cancelled: both may be delivered'
  const todo = 'Repeat the call with the same target and due time'
  return new DuequeError(code, `${what}. ${todo}. ${message}`, data, { cause: error, outcome: 'unknown', receipt })
}
