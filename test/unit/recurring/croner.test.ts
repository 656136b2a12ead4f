import { Cron } from 'croner'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { timesOf } from './times-of.js'

/** One field of a pattern, as other programs read it too. */
function field(min: number, max: number, ...special: readonly string[]): fc.Arbitrary<string> {
  const value = fc.integer({ min, max })
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const stepped = fc.tuple(fc.oneof(range, fc.constant('*')), fc.integer({ min: 1, max })).map(([a, n]) => `${a}/${n}`)
  const items = fc.oneof(value.map(String), range, stepped, ...special.map((text) => fc.constant(text)))
  const list = fc.array(items, { minLength: 1, maxLength: 3 }).map((all) => all.join())
  return fc.oneof(fc.constant('*'), list)
}

it('patterns mean in UTC what they mean to croner', () => {
  const patterns = fc.tuple(
    field(0, 59),
    field(0, 59),
    field(0, 23),
    fc.oneof({ weight: 5, arbitrary: field(1, 31, 'L', '15W', '1W') }, fc.constant('LW')),
    field(1, 12, 'FEB', 'JUN-AUG'),
    field(0, 7, 'FRI#2', 'MON-WED', 'SAT-SUN', 'SUN#L', '5#5'),
  )
  fc.assert(
    fc.property(patterns, fc.integer({ min: 0, max: 365 * 20 }), (fields, day) => {
      const from = Date.UTC(2020, 0) + day * 86_400_000
      const theirs = new Cron(fields.join(' '), { timezone: 'UTC' }).nextRuns(5, new Date(from - 1))
      const until = (theirs.at(-1)?.getTime() ?? from) + 1
      if (until - from > 3000 * 86_400_000) return
      expect(timesOf({ cron: fields.join(' ') }, from, until)).toEqual(theirs.map((date) => date.getTime()))
    }),
    { numRuns: 300 },
  )
})
