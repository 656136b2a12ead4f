import { expect, test } from 'vitest'
import type { Exported } from '../../../../src/operate/watch/exporters.js'
import { countOfMessages } from '../../../../src/operate/watch/lateness.js'
import { inWindow, ratesOf, type CountSample } from '../../../../src/operate/watch/rates.js'

type Triple = [seconds: number, waiting: number, published?: number]
const samples = (...all: Triple[]): CountSample[] =>
  all.map(([seconds, waiting, published]) => ({ at: seconds * 1000, source: 'management', waiting, published }))
const exported = (messages: number, overSeconds: number, scheduled?: number): Exported => ({
  lateness: { source: 'metrics', overSeconds, messages, p50Ms: 1, p99Ms: 1, queues: [], problems: [] },
  scheduled,
})

// prettier-ignore
test.each<[string, Triple[], Exported | undefined, object | null]>([
  ['one look', [[0, 5, 1]], undefined, null],
  ['looks within one count of the management API', [[0, 5, 1], [4, 9, 5]], undefined, null],
  ['exchanges', [[0, 5, 100], [10, 25, 150]], undefined, { source: 'management', scheduled: 5, delivered: 3, waiting: 2 }],
  ['a count that is older than the other', [[0, 5, 10], [10, 25, 11]], undefined, { scheduled: 0.1, delivered: 0 }],
  ['a broker that was restarted', [[0, 0, 100], [5, 0, 110], [10, 0, 5]], undefined, { scheduled: 1.5 }],
  ['the first message of a broker', [[0, 0], [10, 20, 20]], undefined, { source: 'management', scheduled: 2, delivered: 0 }],
  ['looks of which one was without the API', [[0, 0, 100], [5, 0], [10, 0, 110]], undefined, { scheduled: 1 }],
  ['waiting messages alone', [[0, 10], [10, 5]], undefined, { source: 'counts', scheduled: null, delivered: null, waiting: -0.5 }],
  ['exporters', [[0, 10], [10, 5]], exported(40, 10, 20), { source: 'metrics', scheduled: 2, delivered: 4, waiting: -0.5 }],
  ['exporters of consumers', [[0, 10], [10, 5]], exported(40, 10), { source: 'metrics', scheduled: null, delivered: 4 }],
  ['exporters that were asked once', [[0, 10], [10, 5]], exported(0, 0), { source: 'counts' }],
])('rates of %s', (_, all, from, expected) => {
  const rates = ratesOf(samples(...all), from)
  if (expected === null) expect(rates).toBeNull()
  else expect(rates).toMatchObject(expected)
})

test('a window has the looks of the last minute, and the one at its begin', () => {
  const at = (seconds: number) =>
    inWindow(samples([0, 0], [5, 0], [30, 0], [64, 0]), seconds * 1000).map((one) => one.at / 1000)
  expect(at(59)).toEqual([0, 5, 30, 64])
  expect(at(64)).toEqual([0, 5, 30, 64])
  expect(at(65)).toEqual([5, 30, 64])
  expect(at(1000)).toEqual([64])
})

test('a window has looks of one source, so that all messages that were ever published are not those of a minute', () => {
  const [early, ...later] = samples([0, 5], [60, 9, 1_000_000], [65, 9, 1_000_010])
  const all: CountSample[] = [{ ...early!, source: 'amqp' }, ...later]
  expect(inWindow(all.slice(0, 2), 60_000).map(({ at }) => at)).toEqual([60_000])
  expect(ratesOf(inWindow(all, 65_000), undefined)).toMatchObject({ scheduled: 2, overSeconds: 5 })
})

test('quantiles of single messages are those of a message', () => {
  expect(countOfMessages([])).toEqual({ messages: 0, p50Ms: null, p99Ms: null })
  expect(countOfMessages([3, 1, 2])).toEqual({ messages: 3, p50Ms: 2, p99Ms: 3 })
  expect(countOfMessages([4, 1])).toEqual({ messages: 2, p50Ms: 1, p99Ms: 4 })
})
