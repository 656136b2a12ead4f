import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Entry } from '../../../../src/journal/journal-record.js'
import { WaitingIndex } from '../../../../src/journal/waiting/waiting-index.js'
import { readyAt } from '../../../../src/message/delayed-message.js'
import type { Destination } from '../../../../src/message/destination.js'
import { DestinationCounts } from '../../../../src/strategies/destination-counts.js'
import {
  comparePositions,
  entryKey,
  fits,
  positionOf,
  spanCounts,
  type JournalledMessage,
  type WaitlistFilter,
} from '../../../../src/strategies/waiting-view.js'

const NOW = 1_795_977_600_000
const GRACE = 86_400_000
const REVISION = NOW * 1000

function message(rest: Partial<JournalledMessage> = {}): JournalledMessage {
  return {
    id: 'a',
    name: 'note',
    version: 0,
    body: undefined,
    destination: { queue: 'reminders' },
    dueAt: NOW + 60_000,
    scheduledAt: NOW,
    expiresAt: undefined,
    revision: REVISION,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...rest,
  }
}

const entry = (written: number, rest: Partial<JournalledMessage> = {}): Entry => ({ message: message(rest), written })
const place = (offset: number, stream = 0, line = 0) => ({ stream, offset, line })

function newIndex(now = () => NOW) {
  return new WaitingIndex({ now, graceMs: GRACE })
}

/** Often enough to look through everything. */
function forget(index: WaitingIndex): void {
  for (let calls = 0; calls < 8; calls++) index.forget()
}

/** One value often, so that many entries have the same key. */
const mostly = <T>(often: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(often) }, { weight: 2, arbitrary: fc.constantFrom(...others) })
const ids = mostly('a', 'b', 'ä→😀', 'a'.repeat(255), '')
const destinations = mostly<Destination>(
  { queue: 'q1' },
  { queue: 'q1', outlet: true },
  { exchange: 'x', routingKey: 'k' },
  { exchange: 'x', routingKey: '' },
)
const revisions = mostly(REVISION, 0, 9, 10, REVISION + 1)
const entries = fc.record({
  id: ids,
  name: fc.constantFrom('m', 'n'),
  destination: destinations,
  revision: revisions,
  attempt: mostly(1, 2, 10),
  dueAt: fc.integer({ min: -2, max: 20 }).map((seconds) => NOW + seconds * 1000),
  retryAt: fc.option(fc.constantFrom(NOW + 5000, NOW + 30_000), { nil: undefined }),
  written: fc.integer({ min: 0, max: 20 }),
})

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ add: entries }) },
    { weight: 2, arbitrary: fc.record({ refuse: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ cancel: fc.tuple(ids, fc.constantFrom('revision', 'upTo', 'keep'), revisions) }),
    },
    { weight: 1, arbitrary: fc.record({ passMs: fc.integer({ min: 0, max: 8000 }) }) },
  ),
  { maxLength: 60 },
)

const filters: fc.Arbitrary<WaitlistFilter> = fc.record(
  {
    from: fc.constantFrom(NOW + 3000, NOW + 5000),
    to: fc.constantFrom(NOW + 9000, NOW + 40_000),
    name: fc.constantFrom('m', 'other'),
    destination: fc.constantFrom<object>({ queue: 'q1' }, { exchange: 'x' }, { exchange: 'x', routingKey: '' }),
    idPrefix: fc.constantFrom('a', 'aa', 'ä→', '😀', 'ä→\ud83d', ''),
    idPart: fc.constantFrom('a', '→', '\ud83d', 'x'),
  },
  { requiredKeys: [] },
) as never

/** All that was read, in a list. */
class Model {
  readonly entries: Entry[] = []
  readonly refused: { id: string; refused: number }[] = []
  readonly cancelled: ((message: JournalledMessage) => boolean)[] = []

  waiting(now: number): JournalledMessage[] {
    const latest = new Map<string, Entry>()
    for (const entry of this.entries) {
      const { message, written } = entry
      if (readyAt(message) <= now || this.cancelled.some((is) => is(message))) continue
      if (this.refused.some(({ id, refused }) => id === message.id && refused === written)) continue
      const key = entryKey(message)
      if (written > (latest.get(key)?.written ?? -1)) latest.set(key, entry)
    }
    return [...latest.values()].map(({ message }) => message)
  }
}

it('answers as a list of all records does, whatever comes in which order', () => {
  const run = (all: readonly Record<string, never>[], filter: WaitlistFilter, limit: number) => {
    let now = NOW
    const [index, model] = [newIndex(() => now), new Model()]
    for (const [offset, step] of all.entries()) {
      const { add, refuse, cancel, passMs } = step
      if (add) {
        const { written, ...rest } = add as { written: number }
        // One writer gives no number twice to one id.
        const twin = model.entries.find(
          (one) => one.message.id === (rest as JournalledMessage).id && one.written === written,
        )
        const added = twin ?? entry(written, rest)
        model.entries.push(added)
        index.take(added, place(offset))
      } else if (refuse !== undefined && model.entries.length > 0) {
        const { message, written: refused } = model.entries[refuse % model.entries.length]!
        model.refused.push({ id: message.id, refused })
        index.take({ id: message.id, refused, readyAt: readyAt(message) }, place(offset))
      } else if (cancel) {
        const [id, kind, revision] = cancel as [string, 'revision' | 'upTo' | 'keep', number]
        model.cancelled.push(
          (message) =>
            message.id === id &&
            (kind === 'revision'
              ? message.revision === revision
              : message.revision < revision + (kind === 'upTo' ? 1 : 0)),
        )
        index.cancel({ id, [kind]: revision, due: NOW + 20_000 } as never, now)
      } else if (passMs) {
        now += Number(passMs)
        forget(index)
      }
    }
    compare(index, model.waiting(now), filter, limit)
  }
  fc.assert(fc.property(steps as never, filters, fc.integer({ min: 1, max: 5 }), run), { numRuns: 500 })
})

function compare(index: WaitingIndex, waiting: JournalledMessage[], filter: WaitlistFilter, limit: number): void {
  const sorted = waiting
    .filter((one) => fits(filter, one))
    .sort((a, b) => comparePositions(positionOf(a), positionOf(b)))
  const short = ({ id, revision, readyAt: at }: { id: string; revision: number; readyAt: number }) => ({
    id,
    revision,
    at,
  })
  const expected = sorted.map((one) => short({ ...one, readyAt: readyAt(one) }))
  expect(index.count(filter)).toBe(sorted.length)
  expect(index.countBy(filter, 7000)).toEqual(spanCounts(sorted.map(readyAt), 7000))
  const counts = new DestinationCounts()
  for (const one of waiting) counts.add(one.destination, readyAt(one))
  expect(new Set(index.countByDestination())).toEqual(new Set(counts.all()))
  const pages = []
  for (let page = 0; page <= sorted.length; page += limit) {
    const last = sorted[page - 1]
    pages.push(...index.list(filter, { after: last && positionOf(last), limit }).map(short))
  }
  expect(pages).toEqual(expected)
  const listed = sorted.map((one) => {
    const { id, revision, attempt, name, destination } = one
    return { id, revision, attempt, name, destination, dueAt: readyAt(one) }
  })
  expect(index.listShort(filter, { limit: sorted.length + 1 })).toEqual(listed)
  for (const id of new Set(waiting.map((one) => one.id))) {
    const found = waiting.filter((one) => one.id === id).map((one) => one.revision)
    expect(index.find(id).map(({ revision }) => revision)).toEqual(found.sort((a, b) => b - a))
  }
}

it('gives back memory as entries expire, and still finds the others', () => {
  let now = NOW
  const index = newIndex(() => now)
  const count = 30_000
  // One in five waits long, so that segments are left with few.
  const dueAt = (n: number) => NOW + (n % 5 === 0 ? 1_000_000 : n)
  const id = (n: number) => `reservation-${String(n).padStart(28, '0')}`
  const destination = (n: number) => ({ exchange: 'x', routingKey: `key-${n % 7}` })
  for (let n = 0; n < count; n++)
    index.take(entry(n, { id: id(n), dueAt: dueAt(n), destination: destination(n), name: `name-${n % 3}` }), place(n))
  const full = index.bytes
  expect(full / count).toBeLessThan(150)
  now = NOW + count
  for (let rounds = 0; rounds < 3; rounds++) forget(index)
  expect([index.size, index.count({})]).toEqual([count / 5, count / 5])
  expect(index.bytes).toBeLessThan(full / 2)
  for (let n = 0; n < count; n += 1250)
    expect(index.find(id(n))).toEqual([
      { id: id(n), revision: REVISION, written: n, readyAt: dueAt(n), place: place(n) },
    ])
  expect(index.find(id(1))).toEqual([])
  expect(index.count({ destination: destination(0), name: 'name-0' })).toBe(
    Array.from({ length: count }, (_, n) => n).filter((n) => n % 5 === 0 && n % 7 === 0 && n % 3 === 0).length,
  )
  index.dropUpTo(0, count / 2)
  expect(index.count({})).toBe(count / 10 - 1)
  expect(index.ranges()).toEqual(new Map([[0, { first: count / 2 + 5, last: count - 5 }]]))
})

it('many entries under one id cost no more than others', () => {
  const index = newIndex()
  const startedAt = performance.now()
  for (let n = 0; n < 30_000; n++) index.take(entry(n, { revision: REVISION + n }), place(n))
  for (let n = 0; n < 30_000; n += 2) index.cancel({ id: 'a', revision: REVISION + n, due: undefined }, NOW)
  expect(index.count({})).toBe(15_000)
  // A chain that is walked for each takes a minute.
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

it('takes an entry that comes again at another place once, with its last place', () => {
  const index = newIndex()
  const one = entry(5)
  index.take(one, place(7))
  index.take(one, place(2, 3, 9))
  expect([index.size, index.find('a')[0]!.place]).toEqual([1, place(2, 3, 9)])
  expect([index.isWaiting(one, place(7)), index.isWaiting(one, place(2, 3, 9))]).toEqual([false, true])
})

it.each([
  ['an id over 255 bytes', { id: 'x'.repeat(256) }],
  ['an attempt over 32 bits', { attempt: 2 ** 32 }],
])('has no room for %s', (_, rest) => {
  const index = newIndex()
  expect(() => index.take(entry(1, rest), place(0))).toThrow('expected')
  expect(index.size).toBe(0)
})
