import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CancelledRevisions } from '../../../src/cancellation/cancelled-revisions.js'
import type { CancellationRecord } from '../../../src/cancellation/cancellation-record.js'

const NOW = 1_795_977_600_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const GRACE = DAY

function remembered(records: readonly CancellationRecord[], writtenAt = NOW): CancelledRevisions {
  const cancelled = new CancelledRevisions(GRACE)
  for (const record of records) cancelled.add(record, writtenAt)
  return cancelled
}

/** Often enough to look through everything. */
function forget(cancelled: CancelledRevisions, now: number): void {
  for (let calls = 0; calls < 8; calls++) cancelled.forget(now)
}

it('a record cancels exactly one revision, all up to one, or all below one', () => {
  const due = NOW + HOUR
  const cancelled = remembered([
    { id: 'exact', revision: 5, due },
    { id: 'upTo', upTo: 5, due },
    { id: 'keep', keep: 5, due },
    { id: 'keep nothing', keep: 0, due },
  ])
  const found = (id: string) => [0, 4, 5, 6].filter((revision) => cancelled.has(id, revision))
  expect(found('exact')).toEqual([5])
  expect(found('upTo')).toEqual([0, 4, 5])
  expect(found('keep')).toEqual([0, 4])
  expect(found('keep nothing')).toEqual([])
  expect(found('other')).toEqual([])
})

it('cancels nothing in a new memory', () => {
  const cancelled = new CancelledRevisions(GRACE)
  expect([cancelled.size, cancelled.has('a', 0)]).toEqual([0, false])
  forget(cancelled, NOW)
  expect(cancelled.size).toBe(0)
})

it('distinguishes revisions of today that differ by one, and the greatest that there are', () => {
  const [today, greatest] = [NOW * 1000 + 123, Number.MAX_SAFE_INTEGER]
  const cancelled = remembered([
    { id: 'a', revision: today, due: undefined },
    { id: 'b', upTo: today, due: undefined },
    { id: 'c', upTo: greatest, due: undefined },
    { id: 'd', revision: greatest, due: undefined },
    { id: 'e', revision: 2 ** 32, due: undefined },
  ])
  const found = (id: string, revisions: number[]) => revisions.map((revision) => cancelled.has(id, revision))
  expect(found('a', [today - 1, today, today + 1, today + 2 ** 32])).toEqual([false, true, false, false])
  expect(found('b', [today, today + 1])).toEqual([true, false])
  expect(found('c', [greatest])).toEqual([true])
  expect(found('d', [greatest - 1, greatest])).toEqual([false, true])
  expect(found('e', [0, 2 ** 32])).toEqual([false, true])
})

it('takes no number for a revision that is none', () => {
  const cancelled = remembered([{ id: 'a', revision: 5, due: undefined }])
  expect([5.5, -5, 5 + 2 ** 53, NaN, Infinity].filter((revision) => cancelled.has('a', revision))).toEqual([])
})

it('remembers a record until its due time and the grace, or for 30 days and the grace if that is unknown', () => {
  const cancelled = remembered([
    { id: 'soon', revision: 1, due: NOW + HOUR },
    { id: 'past', revision: 1, due: NOW - DAY },
    { id: 'unknown', upTo: 1, due: undefined },
  ])
  const left = (now: number) => {
    forget(cancelled, now)
    return [['soon', 'past', 'unknown'].filter((id) => cancelled.has(id, 1)), cancelled.size]
  }
  expect(left(NOW + GRACE)).toEqual([['soon', 'past', 'unknown'], 3])
  expect(left(NOW + GRACE + 1000)).toEqual([['soon', 'unknown'], 2])
  expect(left(NOW + HOUR + GRACE)).toEqual([['soon', 'unknown'], 2])
  expect(left(NOW + 30 * DAY + GRACE)).toEqual([['unknown'], 1])
  expect(left(NOW + 30 * DAY + GRACE + 1000)).toEqual([[], 0])
})

it('does not remember a record whose time is over when it is read', () => {
  const cancelled = new CancelledRevisions(GRACE)
  const record = { id: 'a', revision: 1, due: NOW + HOUR }
  cancelled.add(record, NOW, NOW + HOUR + GRACE + 1)
  expect(cancelled.size).toBe(0)
  cancelled.add(record, NOW, NOW + HOUR + GRACE)
  expect(cancelled.has('a', 1)).toBe(true)
})

it('remembers due times that no clock reaches', () => {
  const cancelled = remembered([{ id: 'a', revision: 1, due: 8.64e15 }])
  forget(cancelled, NOW + 50 * 365 * DAY)
  expect(cancelled.has('a', 1)).toBe(true)
})

const records = fc.array(
  fc.record({
    // Few ids and revisions, so that records meet.
    id: fc.integer({ min: 0, max: 20 }).map((n) => `id ${n}`),
    kind: fc.constantFrom('revision', 'upTo', 'keep'),
    at: fc.integer({ min: 0, max: 30 }),
    due: fc.option(fc.integer({ min: -2, max: 60 }), { nil: undefined }),
  }),
  { maxLength: 200 },
)

/** Whether the record cancels this revision of the id. */
function names(record: CancellationRecord, id: string, revision: number): boolean {
  if (record.id !== id) return false
  if (record.revision !== undefined) return record.revision === revision
  return record.upTo !== undefined ? revision <= record.upTo : revision < record.keep
}

it('answers as a list of all records does, in any order and with repeats; forgets only records that are over', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 0, max: 70 }), fc.integer(), (made, later, seed) => {
      const all = made.map(
        ({ id, kind, at, due }) => ({ id, [kind]: at, due: due && NOW + due * DAY }) as unknown as CancellationRecord,
      )
      const first = remembered(all)
      const second = remembered([...all, ...all].toSorted((a, b) => orderOf(a, seed) - orderOf(b, seed)))
      const now = NOW + later * DAY
      forget(first, now)
      for (const id of new Set(all.map((record) => record.id)))
        for (let revision = 0; revision < 32; revision++) {
          const naming = all.filter((record) => names(record, id, revision))
          const living = naming.filter(({ due = NOW + 30 * DAY }) => Math.max(due, NOW) + GRACE >= now)
          expect(second.has(id, revision)).toBe(naming.length > 0)
          if (living.length > 0) expect(first.has(id, revision)).toBe(true)
          if (naming.length === 0) expect(first.has(id, revision)).toBe(false)
        }
    }),
    { numRuns: 40 },
  )
})

function orderOf(record: CancellationRecord, seed: number): number {
  return (
    Math.imul((record.due ?? 0) ^ (record.revision ?? record.upTo ?? record.keep ?? 0) ^ record.id.length, seed | 1) %
    101
  )
}

it('finds each of many records while it grows, forgets half of them and shrinks', { timeout: 60_000 }, () => {
  const cancelled = new CancelledRevisions(0)
  const count = 100_000
  const id = (n: number) => `order ${n >> 1}`
  // Two for each id: every other one names all revisions up to one.
  for (let n = 0; n < count; n++)
    cancelled.add({ id: id(n), due: NOW + (n % 4) * HOUR, ...(n & 1 ? { revision: n } : { upTo: 7 }) }, NOW)
  expect(cancelled.size).toBe(count)
  const missing = (from: number) => {
    const lost = []
    for (let n = from; n < count; n += 4) if (!cancelled.has(id(n), n & 1 ? n : 7)) lost.push(n)
    return lost
  }
  expect([0, 1, 2, 3].flatMap(missing)).toEqual([])
  expect(cancelled.has(id(8), 8)).toBe(false)
  forget(cancelled, NOW + 2 * HOUR)
  expect(cancelled.size).toBe(count / 2)
  expect([2, 3].flatMap(missing)).toEqual([])
  expect([missing(0).length, missing(1).length]).toEqual([count / 4, count / 4])
  forget(cancelled, NOW + 5 * HOUR)
  expect(cancelled.size).toBe(0)
})

it('takes up the room of expired records before it grows', () => {
  const cancelled = new CancelledRevisions(0)
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 200_000; n++) {
    const now = NOW + n * 1000
    // Some 1000 live at any time.
    cancelled.add({ id: String(n), revision: n, due: now + 1_000_000 }, now)
  }
  expect(cancelled.size).toBeLessThan(4000)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
})

it('many revisions of one id are found as fast as those of many', () => {
  const cancelled = new CancelledRevisions(GRACE)
  const revisions = Array.from({ length: 50_000 }, (_, n) => NOW * 1000 + n * 1000)
  for (const revision of revisions) cancelled.add({ id: 'daily', revision, due: undefined }, NOW)
  const before = performance.now()
  expect(revisions.every((revision) => cancelled.has('daily', revision))).toBe(true)
  expect(revisions.some((revision) => cancelled.has('daily', revision + 1))).toBe(false)
  // 100,000 look-ups. In one long row of slots they would take minutes.
  expect(performance.now() - before).toBeLessThan(10_000)
})
