import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DELAY_MS, resolveDue, type Due } from '../../../src/message/due.js'
import { parseDelay } from '../../../src/message/duration.js'
import { thrown } from '../thrown.js'

const NOW = Date.UTC(2026, 10, 23, 8)
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]

/** Also takes values that the types refuse. */
const resolve = (due: unknown, maxDelayMs = MAX_DELAY_MS) => resolveDue(due as Due, NOW, maxDelayMs)
const codeOf = (due: unknown) => thrown(() => resolve(due)).code

describe('in', () => {
  it.each([
    [0, 0],
    [1, 1],
    [0.001, 1],
    [1.5, 2],
    ['0ms', 0],
    ['250ms', 250],
    ['90s', 90 * SECOND],
    ['1h30m', 90 * MINUTE],
    ['7d', 7 * DAY],
    ['2w', 14 * DAY],
    ['1.5h', 90 * MINUTE],
    ['0.1s', 100],
    ['1.0001s', 1001],
    ['0.4ms', 1],
    ['1m5ms', MINUTE + 5],
    ['1w2d3h4m5s6ms', 9 * DAY + 3 * HOUR + 4 * MINUTE + 5 * SECOND + 6],
    ['007s', 7 * SECOND],
    ['PT0S', 0],
    ['P7D', 7 * DAY],
    ['P2W', 14 * DAY],
    ['PT1H30M', 90 * MINUTE],
    ['P1DT12H', 36 * HOUR],
    ['PT0.25S', 250],
    ['PT1.0001S', 1001],
    ['PT1.5H', 90 * MINUTE],
    ['pt90s', 90 * SECOND],
    ['P1WT1S', 7 * DAY + SECOND],
    ['5min', 5 * MINUTE],
    ['5 minutes', 5 * MINUTE],
    ['1 minute', MINUTE],
    ['1d 2h', 26 * HOUR],
    ['1 day 2 hours', 26 * HOUR],
    ['1day2hrs', 26 * HOUR],
    ['1 hr 1 sec', HOUR + SECOND],
    ['2 weeks', 14 * DAY],
    ['1.5 hours', 90 * MINUTE],
    ['30 mins 250 msecs', 30 * MINUTE + 250],
    ['1 second 1 millisecond', 1001],
    [{ minutes: 5 }, 5 * MINUTE],
    [{ days: 1, hours: 2, seconds: undefined }, 26 * HOUR],
    [{ weeks: 1, milliseconds: 0.5 }, 7 * DAY + 1],
    [{ seconds: 0 }, 0],
    [{ hours: 1.5 }, 90 * MINUTE],
  ])('%j is %i ms from now', (delay, ms) => {
    expect(resolve({ in: delay }) - NOW).toBe(ms)
  })

  const NOT_DURATIONS =
    '| |5| 5m|5m |5m\n|-5m|+5m|30m1h|1h1h|1h  30m|.5h|5.h|1e3s|1H|5mi|5minuts|5 Minutes|1 month|1h and 5m|1h,5m|1y|soon|P|PT|P1DT|P1H|PT1D|P1D1W|P-1D|-P1D|٣s|NaN'
  it.each([
    ...NOT_DURATIONS.split('|'),
    ...[NaN, -1, -0.1, Infinity, -Infinity, null, true, 5n, [], {}, new Date(NOW)],
    ...[{ minutes: -1 }, { minutes: '5' }, { minute: 5 }, { minutes: NaN }, { hours: undefined }, { in: 5 }],
  ])('%o is refused', (delay) => {
    expect(codeOf({ in: delay })).toBe('INVALID_DUE')
  })

  it.each(['P1M', 'P1Y', 'P1Y2M3DT4H', 'P2.5M'])(
    '%s is refused, saying that months and years have no length',
    (iso) => {
      expect(thrown(() => parseDelay(iso)).message).toContain('months and years have no fixed length')
    },
  )

  it.each([{ months: 1 }, { years: 1, days: 2 }])('%o is refused for the same reason', (parts) => {
    expect(thrown(() => parseDelay(parts)).message).toContain('months and years have no fixed length')
  })

  it('a field that is no unit is named with all that are', () => {
    expect(thrown(() => parseDelay({ minute: 5 })).message).toBe(
      'in: expected weeks, days, hours, minutes, seconds, milliseconds, got "minute"',
    )
  })

  /** As Temporal's own: its parts are getters, its text is ISO 8601. */
  class TemporalDuration {
    readonly #text: string
    constructor(text: string) {
      this.#text = text
    }
    get [Symbol.toStringTag]() {
      return 'Temporal.Duration'
    }
    get years() {
      return 0
    }
    get minutes() {
      return 0
    }
    toString() {
      return this.#text
    }
  }

  it.each([
    ['PT90M', 90 * MINUTE],
    ['P1DT2H0.5S', 26 * HOUR + 500],
    ['PT0S', 0],
  ])('a Temporal.Duration of %s is %i ms', (text, ms) => {
    expect(resolve({ in: new TemporalDuration(text) }) - NOW).toBe(ms)
  })

  it.each(['-PT1H', 'P1M'])('a Temporal.Duration of %s is refused', (text) => {
    expect(codeOf({ in: new TemporalDuration(text) })).toBe('INVALID_DUE')
  })

  it('a duration means the sum of its units, and a part of a millisecond counts as a whole one', () => {
    const unit = ([name, ms]: readonly [string, number]) =>
      fc.option(fc.tuple(fc.nat(99), fc.nat(999)), { nil: undefined }).map((part) => {
        if (!part) return { text: '', micros: 0n }
        const [whole, thousandths] = part
        const fraction = thousandths === 0 ? '' : `.${String(thousandths).padStart(3, '0')}`
        return { text: `${whole}${fraction}${name}`, micros: BigInt(whole * 1000 + thousandths) * BigInt(ms) }
      })
    const format = (date: [string, number][], time: [string, number][], prefix: string, separator: string) =>
      fc.tuple(fc.tuple(...date.map(unit)), fc.tuple(...time.map(unit))).map(([days, hours]) => {
        const [before, after] = [days, hours].map((parts) => parts.map(({ text }) => text).join('')) as [string, string]
        const micros = [...days, ...hours].reduce((sum, part) => sum + part.micros, 0n)
        return { text: `${prefix}${before}${after && separator}${after}`, micros, given: before + after !== '' }
      })
    const weeks: [string, number][] = [
      ['w', 7 * DAY],
      ['d', DAY],
    ]
    const hours: [string, number][] = [
      ['h', HOUR],
      ['m', MINUTE],
      ['s', SECOND],
    ]
    const upper = (units: [string, number][]) => units.map(([name, ms]): [string, number] => [name.toUpperCase(), ms])
    const texts = fc.oneof(format(weeks, [...hours, ['ms', 1]], '', ''), format(upper(weeks), upper(hours), 'P', 'T'))
    fc.assert(
      fc.property(
        texts.filter(({ given }) => given),
        ({ text, micros }) => {
          expect(parseDelay(text)).toBe(Number((micros + 999n) / 1000n))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('is never before the end of the delay, and less than a millisecond after it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: MAX_DELAY_MS, noNaN: true }), (ms) => {
        const waits = resolve({ in: ms }) - NOW
        expect(waits).toBeGreaterThanOrEqual(ms)
        expect(waits - 1).toBeLessThanOrEqual(ms)
      }),
    )
  })
})
