import { DuequeError, isDuequeError, shown, withOutcome } from '../base/errors.js'
import { nextRevision } from '../schedule/revision.js'
import type { DefinitionRecord } from '../strategies/recurring-definitions.js'
import { cancelOccurrences, laterOccurrences, waitingOccurrences, type Occurrences } from './cancel-occurrences.js'
import { encodeDefinition, type RecurringDefinition } from './definition.js'
import type { RecurringParts } from './recurring-parts.js'
import { readDefinition } from './schedule-view.js'
import { sendTick } from './tick.js'
import { nextTime } from './times.js'

/** Of one id that fails again and again. */
const MOST_FORMERS = 10

/** What becomes of a definition. */
export interface Change {
  /** The definition from now on, but for its revision. Undefined if it is removed. */
  readonly to: RecurringDefinition | undefined
  /** Definitions until now whose occurrences may wait. */
  readonly formers: readonly RecurringDefinition[]
  /** The record until now. */
  readonly record: DefinitionRecord | undefined
  /** Whether its content stays as it is. */
  readonly isOfState?: boolean | undefined
}

/**
 * Changes a definition: writes its record, cancels the occurrences of the former one, and sends the first tick of the new one. A
 * process that dies behind the first step leaves occurrences of six minutes, and a schedule whose tick the hourly repair sends.
 *
 * @returns the definition that is in force, which may be that of a change at the same time; undefined if it is removed
 * @throws DuequeError with the outcome `refused` if nothing has changed
 */
export async function changeDefinition(
  parts: RecurringParts,
  id: string,
  change: Change,
): Promise<RecurringDefinition | undefined> {
  const { strategy, unfinished } = parts
  const now = parts.now()
  const revision = nextRevision(now, (change.record?.revision ?? -1) + 1)
  const to = change.to && { ...change.to, revision }
  const occurrences = occurrencesOf(change, now)
  await assertReady(parts, change, occurrences)
  let isWritten = false
  try {
    const former = change.isOfState ? change.record : undefined
    await strategy.definitions.write(to ? encodeDefinition(to, former) : { id, revision, definition: undefined })
    isWritten = true
    await cancelOccurrences(strategy, occurrences, to ? { keep: revision } : { upTo: revision })
    if (to && !to.paused) await sendFirstTick(parts, to, now)
    const inForce = await lookAgain(parts, to, now)
    // One that was overtaken knows nothing of the end of the other one.
    if (inForce?.revision === to?.revision) unfinished.delete(id)
    return inForce
  } catch (error) {
    if (isWritten || !isRefused(error)) unfinished.set(id, change.formers.slice(-MOST_FORMERS))
    throw isWritten ? halfWay(error, id) : error
  }
}

/**
 * A changed schedule has the times after now: those until now are the former one's. A pause and a removal end it at once.
 *
 * Of changes at the same time, one may not know of the other: so the times of the new definition are among them.
 */
function occurrencesOf({ to, formers }: Change, now: number): Occurrences {
  return !to || to.paused ? waitingOccurrences(formers, now) : laterOccurrences([...formers, to], now)
}

/** Before anything is written. */
async function assertReady({ strategy, openTicks }: RecurringParts, { to }: Change, occurrences: Occurrences) {
  try {
    if (to && !to.paused) await openTicks()
    if (occurrences.size > 0 && !strategy.waitlist) await strategy.cancellations?.ready?.()
  } catch (error) {
    throw isDuequeError(error) ? withOutcome(error, 'refused') : error
  }
}

/** None behind the last time of the schedule. */
async function sendFirstTick(parts: RecurringParts, definition: RecurringDefinition, now: number): Promise<void> {
  const time = nextTime(definition, now)
  if (time !== undefined) await sendTick(parts, definition, time)
}

/** The one of several changes with the greatest revision is in force. Nobody else knows of the occurrences of the others. */
async function lookAgain(
  { strategy }: RecurringParts,
  own: RecurringDefinition | undefined,
  now: number,
): Promise<RecurringDefinition | undefined> {
  if (!own) return undefined
  const record = await strategy.definitions.get(own.id)
  if (record?.revision === own.revision) return own
  const which = record ? { keep: record.revision } : { upTo: own.revision }
  if (!own.paused) await cancelOccurrences(strategy, laterOccurrences([own], now), which)
  return record && readDefinition(record, strategy.name)
}

function isRefused(error: unknown): boolean {
  return isDuequeError(error) && error.outcome === 'refused'
}

function halfWay(error: unknown, id: string): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = `the recurring message ${shown(id)} is changed, but waiting occurrences may not be cancelled, or its first tick not be sent`
  return new DuequeError(code, `${what}. Repeat the call. ${message}`, data, { cause: error, outcome: 'unknown' })
}

/** The definitions whose occurrences may wait: the present one, unless it is paused, and those of a change that failed half-way. */
export function formersOf(
  { unfinished }: Pick<RecurringParts, 'unfinished'>,
  id: string,
  present: RecurringDefinition | undefined,
): readonly RecurringDefinition[] {
  return [...(unfinished.get(id) ?? []), ...(present && !present.paused ? [present] : [])]
}
