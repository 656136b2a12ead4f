import { comparePositions, entryKey, type Position } from '../../strategies/waiting-view.js'
import { SEGMENT_ENTRIES } from './entry-columns.js'
import type { EntryFilter } from './entry-filter.js'
import { atOf, type EntryStore } from './entry-store.js'

/** Revisions of our time, all of as many digits: their texts are in the order of their numbers. */
const [LEAST_OF_16_DIGITS, LEAST_OF_17_DIGITS] = [1e15, 1e16]

/** The slots of the first `limit` entries behind a position, in the order of positions. One pass; sorts few. */
export function earliest(
  entries: EntryStore,
  matching: EntryFilter,
  after: Position | undefined,
  limit: number,
): number[] {
  const compare = (a: number, b: number) => compareSlots(entries, a, b)
  const slots: number[] = []
  /** The last of those that count so far, once they are enough. */
  let last: number | undefined
  matching.forEach((columns, at, segment) => {
    const slot = segment * SEGMENT_ENTRIES + at
    if (after && columns.readyAt[at]! <= after.readyAt && comparePositions(positionAt(entries, slot), after) <= 0)
      return
    if (last !== undefined && compare(slot, last) >= 0) return
    slots.push(slot)
    if (slots.length < limit * 2) return
    slots.sort(compare).length = limit
    last = slots.at(-1)
  })
  return slots.sort(compare).slice(0, limit)
}

/** As {@link comparePositions}, without texts for most of the entries that are ready at the same time. */
function compareSlots(entries: EntryStore, a: number, b: number): number {
  const [columnsOfA, columnsOfB] = [entries.columns(a), entries.columns(b)]
  const byTime = columnsOfA.readyAt[atOf(a)]! - columnsOfB.readyAt[atOf(b)]!
  if (byTime !== 0) return byTime
  const [revisionOfA, revisionOfB] = [columnsOfA.revision[atOf(a)]!, columnsOfB.revision[atOf(b)]!]
  if (revisionOfA !== revisionOfB && isUsual(revisionOfA) && isUsual(revisionOfB)) return revisionOfA - revisionOfB
  return comparePositions(positionAt(entries, a), positionAt(entries, b))
}

function isUsual(revision: number): boolean {
  return revision >= LEAST_OF_16_DIGITS && revision < LEAST_OF_17_DIGITS
}

function positionAt(entries: EntryStore, slot: number): Position {
  const [columns, at] = [entries.columns(slot), atOf(slot)]
  const key = entryKey({
    id: columns.id(at).toString(),
    revision: columns.revision[at]!,
    attempt: columns.attempt[at]!,
    destination: entries.destinations.at(columns.destination[at]!).destination,
  })
  return { readyAt: columns.readyAt[at]!, key }
}
