import fc from 'fast-check'
import { expect } from 'vitest'
import { readyAt, type DelayedMessage } from '../../src/message/delayed-message.js'
import { destinationText, parseDestinationText } from '../../src/message/destination.js'
import type { HeaderValue } from '../../src/message/headers.js'
import type { DestinationCount } from '../../src/strategies/destination-counts.js'
import { entryKey, fits, positionOf, spanCounts, type WaitlistFilter } from '../../src/strategies/waiting-view.js'
import { message, type StoreWorld } from './store-cases.js'

/** Wildcards of SQL and Lua, characters that JSON escapes, and both halves of a surrogate pair. */
const PIECES = ['a', 'b', '%', '_', '\\', '"', '\0', '\n', ',"', '[', '\u2028', 'é', '😀', '😁', '\ud83d', '\ude00']
const HEADERS = ['a', 'a"', '\0', 'dueque:x', 'dueque:=x']
const VALUES: readonly HeaderValue[] = [
  ...['', 'x', 'x%', '\ud83d', 'dueque:x', 1, 10, -0.5, true, null],
  ...[{ k: 1, l: [2] }, { l: [2], k: 1 }, { 'dueque:x': 1 }, ['x', null], {}],
]
const TIMES = [0, 1, 59_999, 60_000, 3_600_000, 3_660_000]
const SPANS = [60_000, 3_600_000, 86_400_000]

const text = (minLength: number) =>
  fc.array(fc.constantFrom(...PIECES), { minLength, maxLength: 3 }).map((pieces) => pieces.join(''))
const headers = (maxKeys: number) => fc.dictionary(fc.constantFrom(...HEADERS), fc.constantFrom(...VALUES), { maxKeys })
/** Seldom: of two filters at once, hardly any message fits both. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const messages = fc
  .record({
    id: text(1),
    name: text(1),
    dueAt: fc.constantFrom(...TIMES),
    headers: headers(3),
    destination: fc.constantFrom({ queue: 'x' }, { queue: 'x', outlet: true }, { exchange: 'x', routingKey: 'k' }),
    body: fc.constantFrom(...['"a":1', ',"a', ''].map((body) => Buffer.from(body))),
  })
  .map((more) => message(more as Partial<DelayedMessage>))

const filters: fc.Arbitrary<WaitlistFilter> = fc.record({
  from: maybe(fc.constantFrom(...TIMES)),
  to: maybe(fc.constantFrom(...TIMES)),
  name: maybe(text(1)),
  destination: maybe(fc.constantFrom({ queue: 'x' }, { exchange: 'x' }, { exchange: 'x', routingKey: 'l' })),
  idPrefix: maybe(text(0)),
  idPart: maybe(text(1)),
  headers: maybe(headers(1)),
})

/** Each of them is easily got wrong. */
const HARD: readonly (readonly [WaitlistFilter, number])[] = [
  [{ idPrefix: '\ud83d' }, 60_000],
  [{ idPrefix: '%' }, 60_000],
  [{ idPrefix: '_' }, 60_000],
  [{ idPrefix: '\\' }, 60_000],
  [{ idPart: '\\' }, 60_000],
  [{ idPart: '\ude00' }, 60_000],
  [{ headers: { a: { l: [2], k: 1 } } }, 60_000],
]
const EASY = ['ab', '😀', '%', '\\'].flatMap((id) => [
  message({ id, dueAt: 0, headers: { a: { k: 1, l: [2] } } }),
  message({ id, dueAt: 1 }),
])

/** What a store counts by destination. */
function countsOf(all: readonly DelayedMessage[]): DestinationCount[] {
  const texts = new Set(all.map(({ destination }) => destinationText(destination)))
  return [...texts].map((text) => {
    const times = all.filter(({ destination }) => destinationText(destination) === text).map(readyAt)
    const [messages, from, to] = [times.length, Math.min(...times), Math.max(...times)]
    return { destination: parseDestinationText(text)!, messages, from, to }
  })
}

function byText(counts: readonly DestinationCount[]): DestinationCount[] {
  return [...counts].sort((a, b) => (destinationText(a.destination) < destinationText(b.destination) ? -1 : 1))
}

const keysOf = (all: readonly DelayedMessage[]) => all.map(entryKey).sort()

/** Of a walk in pages. Fails if it is not in the order of time. */
async function walk({ store }: StoreWorld, filter: WaitlistFilter, limit: number): Promise<DelayedMessage[]> {
  const found: DelayedMessage[] = []
  for (let page: readonly DelayedMessage[] | undefined; page?.length !== 0;) {
    const last = found.at(-1)
    page = await store.list(filter, { limit, after: last && positionOf(last) })
    expect(page.length).toBeLessThanOrEqual(limit)
    found.push(...page)
  }
  const times = found.map(readyAt)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  return found
}

/** The filters of a store, whose answers are the same with every store. */
export const FILTER_CASES: Record<string, (world: StoreWorld) => Promise<void>> = {
  'finds by any filter the messages that fit it, counts them, and counts them by spans': async (world) => {
    const { store } = world
    const given = [...fc.sample(messages, 80), ...EASY]
    await Promise.all(given.map((one) => store.add(one, {})))
    // Some wait again until another time, and some are claimed.
    const { claimed } = await store.claim({ now: 0, limit: 6, leaseMs: 60_000 })
    await store.postpone(claimed.slice(0, 3), 3_600_000)
    const all = await store.list({}, { limit: 1000 })
    expect(all).toHaveLength(given.length - 3)
    expect(byText(await store.countByDestination())).toEqual(byText(countsOf(all)))

    const right = async (filter: WaitlistFilter, spanMs: number) => {
      const wanted = all.filter((one) => fits(filter, one))
      expect(keysOf(await store.list(filter, { limit: 1000 }))).toEqual(keysOf(wanted))
      expect(await store.count(filter)).toBe(wanted.length)
      expect(await store.countBy(filter, spanMs)).toEqual(spanCounts(wanted.map(readyAt), spanMs))
    }
    const property = fc.asyncProperty(filters, fc.constantFrom(...SPANS), right)
    await fc.assert(property, { numRuns: 80, examples: HARD.map(([...one]) => one) })
    for (const filter of [{}, { idPrefix: 'a' }, { headers: { a: 'x' } }])
      expect(keysOf(await walk(world, filter, 7))).toEqual(keysOf(all.filter((one) => fits(filter, one))))
  },

  'finds the few messages with a header among many': async (world) => {
    const { store } = world
    const many = Array.from({ length: 1100 }, (_, n) => message({ headers: { n: n % 400 }, dueAt: 1000 + (n % 2) }))
    await Promise.all(many.map((one) => store.add(one, {})))
    const filter = { headers: { n: 1 } }
    const wanted = keysOf(many.filter((one) => fits(filter, one)))
    expect(wanted).toHaveLength(3)
    expect(keysOf(await walk(world, filter, 2))).toEqual(wanted)
    expect(await store.count(filter)).toBe(3)
    expect(await store.countBy({}, 1)).toEqual([1000, 1001].map((from) => ({ from, count: 550 })))
    expect(await store.countBy({ from: 1001, to: 5000 }, 60_000)).toEqual([{ from: 0, count: 550 }])
  },
}
