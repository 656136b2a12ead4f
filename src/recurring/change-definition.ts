import { DuequeError, isDuequeError, shown, withOutcome } from '../base/errors.js'
import { revisionAfter } from '../schedule/revision.js'
import { replaces, type DefinitionRecord } from '../strategies/recurring-definitions.js'
import { cancelOccurrences, laterOccurrences, waitingOccurrences, type Occurrences } from './cancel-occurrences.js'
import { encodeDefinition, type RecurringDefinition } from './definition.js'
import type { RecurringParts } from './recurring-parts.js'
import { readable } from './schedule-view.js'
import { sendTick } from './tick.js'
import { nextTime } from './times.js'

/** Of one id that fails again and again. */
const MOST_FORMERS = 10

/** What becomes of a definition. */
export interface Change {
  /** The definition from now on, but for its revision. Undefined if it is removed. */
  readonly to: RecurringDefinition | undefined
  /** The definition until now, as it was read before. */
  readonly former: RecurringDefinition | undefined
  /** Its record. */
  readonly record: DefinitionRecord | undefined
  /** Whether its content stays as it is. */
  readonly isOfState?: boolean | undefined
  /** A revision that is known to be in the way. */
  readonly behind?: number | undefined
}

/** What became of a change: its own record is in force, or that of another change, with a greater revision, was there before. */
export type Changed =
  | { readonly own: RecurringDefinition | undefined; readonly other?: never }
  | { readonly own?: never; readonly other: DefinitionRecord }

/**
 * Changes a definition: writes its record, cancels the occurrences of the one that it replaced, and sends the first tick of the new
 * one. A process that dies behind the first step leaves occurrences of six minutes, and a schedule whose tick the hourly repair sends.
 *
 * Changes at the same time replace each other one by one, and each cancels the occurrences of its predecessor.
 *
 * @throws DuequeError with the outcome `refused` if nothing has changed
 */
export async function changeDefinition(parts: RecurringParts, id: string, change: Change): Promise<Changed> {
  const { strategy, unfinished } = parts
  const now = parts.now()
  const revision = revisionAfter(Math.max(change.behind ?? -1, change.record?.revision ?? -1), now, id)
  const to = change.to && { ...change.to, revision }
  let formers = change.former ? [change.former] : []
  await assertReady(parts, to, occurrencesOf(to, [...(unfinished.get(id) ?? []), ...formers], { since: now, now }))
  const own = recordOf(id, revision, to, change)
  let isWritten = false
  try {
    const before = await strategy.definitions.write(own)
    isWritten = true
    if (before && !isInForce(own, before)) return { other: before }
    formers = [...formers, ...replacedBy(own, before, change, parts)]
    const known = unfinished.get(id)
    const occurrences = occurrencesOf(to, [...(known ?? []), ...formers], { since: now, now: parts.now() })
    await cancelOccurrences(strategy, occurrences, to ? { keep: revision } : { upTo: revision })
    if (to && !to.paused) await sendFirstTick(parts, to, now)
    // Unless another one of this process has failed meanwhile.
    if (unfinished.get(id) === known) unfinished.delete(id)
    return { own: to }
  } catch (error) {
    if (isWritten || !isRefused(error))
      unfinished.set(id, [...(unfinished.get(id) ?? []), ...formers].slice(-MOST_FORMERS))
    throw isWritten ? halfWay(error, id) : error
  }
}

function recordOf(id: string, revision: number, to: RecurringDefinition | undefined, change: Change): DefinitionRecord {
  return to
    ? encodeDefinition(to, change.isOfState ? change.record : undefined)
    : { id, revision, definition: undefined }
}

/** Also if it was there already: an answer was lost, and it was written again. */
function isInForce(own: DefinitionRecord, before: DefinitionRecord): boolean {
  return replaces(own, before) || (own.revision === before.revision && own.definition === before.definition)
}

/** The definition that a record has replaced, unless it is the known one: somebody has changed it meanwhile. */
function replacedBy(
  own: DefinitionRecord,
  before: DefinitionRecord | undefined,
  { record }: Change,
  parts: RecurringParts,
): RecurringDefinition[] {
  const isKnown = before?.revision === record?.revision || before?.revision === own.revision
  const replaced = isKnown || before?.definition === undefined ? undefined : readable(before, parts)
  return replaced ? [replaced] : []
}

/** A changed schedule has the times after now: those until now are the former one's. A pause and a removal end it at once. */
function occurrencesOf(
  to: RecurringDefinition | undefined,
  formers: readonly RecurringDefinition[],
  { since, now }: { since: number; now: number },
): Occurrences {
  const active = formers.filter(({ paused }) => !paused)
  return !to || to.paused ? waitingOccurrences(active, since, now) : laterOccurrences(active, since, now)
}

/** Before anything is written. */
async function assertReady(
  { strategy, openTicks }: RecurringParts,
  to: RecurringDefinition | undefined,
  occurrences: Occurrences,
) {
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

function isRefused(error: unknown): boolean {
  return isDuequeError(error) && error.outcome === 'refused'
}

function halfWay(error: unknown, id: string): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = `the recurring message ${shown(id)} is changed, but waiting occurrences may not be cancelled, or its first tick not be sent`
  return new DuequeError(code, `${what}. Repeat the call. ${message}`, data, { cause: error, outcome: 'unknown' })
}
