import type { CancellationRecord } from '../cancellation/cancellation-record.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { Strategy } from '../strategies/strategy.js'
import { positionOf, type Position } from '../strategies/waiting-view.js'
import type { Waitlist } from '../strategies/waitlist.js'
import type { RecurringDefinition } from './definition.js'
import { occurrenceId } from './occurrence.js'
import { jittered, MOST_AHEAD_MS, timesBetween } from './times.js'

/** The clocks of tickers may be off by so much. */
const CLOCKS_DIFFER_MS = 10_000
/** Records on their way at a time. */
const RECORDS_AT_A_TIME = 500
/** Questions to a store on their way at a time. */
const FOUND_AT_A_TIME = 4
/** More occurrences than this are not looked up one by one. */
const MOST_FINDS = 16
/** Messages of one answer of a store. */
const PAGE = 1000

/** The revisions to cancel: below `keep`, or up to `upTo`. */
export type Cancelled =
  { readonly keep: number; readonly upTo?: never } | { readonly upTo: number; readonly keep?: never }

/** Occurrences that may wait: their due times, in milliseconds since the epoch, by id. */
export type Occurrences = ReadonlyMap<string, number>

/** The occurrences of times after `since` that may wait already. @param now since then no more of them are scheduled */
export function laterOccurrences(definitions: readonly RecurringDefinition[], since: number, now: number): Occurrences {
  return occurrencesOf(definitions, now, () => since + 1)
}

/** Those, and the occurrences of earlier times that may not be due yet. */
export function waitingOccurrences(
  definitions: readonly RecurringDefinition[],
  since: number,
  now: number,
): Occurrences {
  return occurrencesOf(definitions, now, ({ jitterMs }) => since - jitterMs - CLOCKS_DIFFER_MS)
}

/**
 * Cancels occurrences, in the store or by records that consumers read. The ticker may be about to schedule one of them: a
 * record concerns that one too, and with a store the ticker looks at the definition again.
 *
 * @throws DuequeError of one of them: others may be cancelled
 */
export async function cancelOccurrences(
  { waitlist, cancellations }: Pick<Strategy, 'waitlist' | 'cancellations'>,
  occurrences: Occurrences,
  which: Cancelled,
): Promise<void> {
  const each = [...occurrences]
  if (!waitlist) {
    const record = ([id, due]: [id: string, due: number]): CancellationRecord => ({ id, ...which, due })
    if (cancellations) await slices(each, RECORDS_AT_A_TIME, (one) => cancellations.write(record(one)))
    return
  }
  const find = async ([id]: [id: string, due: number]) => {
    const found = (await waitlist.find(id)).filter(({ revision }) => isMeant(revision, which))
    await slices(found, FOUND_AT_A_TIME, (message) => waitlist.remove(message))
  }
  // A look through the messages of these minutes costs as much as some of them.
  if (each.length <= MOST_FINDS) return slices(each, FOUND_AT_A_TIME, find)
  for await (const page of pages(waitlist, occurrences)) {
    const meant = page.filter(({ id, revision }) => occurrences.has(id) && isMeant(revision, which))
    await slices(meant, FOUND_AT_A_TIME, (message) => waitlist.remove(message))
  }
}

/** The waiting messages of these minutes whose id begins as those of the occurrences do. */
async function* pages(waitlist: Waitlist, occurrences: Occurrences): AsyncGenerator<readonly DelayedMessage[]> {
  const [first] = occurrences.keys()
  const idPrefix = first!.slice(0, first!.lastIndexOf('@') + 1)
  const dues = [...occurrences.values()]
  const [from, to] = [Math.min(...dues), Math.max(...dues) + 1]
  for (let after: Position | undefined, isOver = false; !isOver;) {
    const page = await waitlist.list({ idPrefix, from, to }, { after, limit: PAGE })
    yield page
    isOver = page.length < PAGE
    after = isOver ? undefined : positionOf(page.at(-1)!)
  }
}

async function slices<T>(items: readonly T[], most: number, work: (item: T) => Promise<unknown>): Promise<void> {
  for (let done = 0; done < items.length; done += most) await Promise.all(items.slice(done, done + most).map(work))
}

function isMeant(revision: number, { keep, upTo }: Cancelled): boolean {
  return keep === undefined ? revision <= upTo : revision < keep
}

function occurrencesOf(
  definitions: readonly RecurringDefinition[],
  now: number,
  from: (definition: RecurringDefinition) => number,
): Occurrences {
  const all = new Map<string, number>()
  for (const definition of definitions)
    for (const time of timesBetween(definition, from(definition), now + MOST_AHEAD_MS + CLOCKS_DIFFER_MS)) {
      if (time > (definition.endsAt ?? Infinity)) break
      const id = occurrenceId(definition.id, time)
      all.set(id, Math.max(all.get(id) ?? 0, jittered(definition, time)))
    }
  return all
}
