import { comparePositions, entryKey, type Position } from '../../strategies/waiting-view.js'
import { SEGMENT_ENTRIES, type EntryColumns } from './entry-columns.js'
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
  const isBehind = after && behind(entries, after)
  const slots: number[] = []
  /** The last of those that count so far, once they are enough. */
  let last: number | undefined
  matching.forEach((columns, at, segment) => {
    const slot = segment * SEGMENT_ENTRIES + at
    if (isBehind?.(columns, at, slot) === false) return
    if (last !== undefined && compare(slot, last) >= 0) return
    slots.push(slot)
    if (slots.length < limit * 2) return
    slots.sort(compare).length = limit
    last = slots.at(-1)
  })
  return slots.sort(compare).slice(0, limit)
}

/** Whether an entry is behind a position, without its text for most of them: a cursor is compared with every entry. */
function behind(entries: EntryStore, after: Position) {
  const revision = Number(/^\[(\d+),/.exec(after.key)?.[1])
  return (columns: EntryColumns, at: number, slot: number): boolean => {
    const readyAt = columns.readyAt[at]!
    if (readyAt !== after.readyAt) return readyAt > after.readyAt
    const own = columns.revision[at]!
    if (own !== revision && isUsual(own) && isUsual(revision)) return own > revision
    return comparePositions(positionAt(entries, slot), after) > 0
  }
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
