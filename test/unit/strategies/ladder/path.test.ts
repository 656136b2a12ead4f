import fc from 'fast-check'
import { expect, it } from 'vitest'
import { defaultTolerance, digitsOf, sumFor } from '../../../../src/strategies/ladder/path.js'
import { UNITS } from '../../../../src/strategies/ladder/rungs.js'
import { MAX_DELAY_MS } from '../../../../src/message/due.js'

const digitsFor = (delayMs: number, toleranceMs: number) => digitsOf(sumFor(delayMs, toleranceMs))

const DAY = 86_400_000
const sumOf = (digits: readonly number[]) => digits.reduce((sum, digit, i) => sum + digit * UNITS[i]!.stepMs, 0)
const used = (digits: readonly number[]) => digits.filter((digit) => digit > 0).length

/** Small delays as often as long ones, whole numbers of each unit, and their neighbours. */
const DELAYS = fc.oneof(
  ...[2000, 200_000, 10_000_000, 5 * DAY, MAX_DELAY_MS].map((max) => fc.integer({ min: 1, max })),
  fc
    .tuple(fc.constantFrom(...UNITS), fc.nat(99), fc.integer({ min: -1001, max: 1001 }))
    .map(([{ stepMs }, digit, off]) => Math.min(Math.max(1, digit * stepMs + off), MAX_DELAY_MS)),
)

it.each([
  [1, 10],
  [9_999, 10],
  [10_001, 10.001],
  [60_000, 60],
  [999_000, 999],
  [1_000_000, 1000],
  [MAX_DELAY_MS, 1000],
])('a delay of %i ms may be %d ms longer by default', (delay, tolerance) => {
  expect(defaultTolerance(delay)).toBeCloseTo(tolerance, 9)
})

it('the digits add up to the delay, or up to the tolerance more, and each has a rung', () => {
  const tolerances = fc.oneof(fc.nat(2000), fc.double({ min: 0, max: 2000, noNaN: true }), fc.nat(DAY))
  fc.assert(
    fc.property(DELAYS, tolerances, (delay, tolerance) => {
      const digits = digitsFor(delay, Math.min(tolerance, MAX_DELAY_MS - delay))
      expect(digits).toHaveLength(UNITS.length)
      expect(sumOf(digits)).toBeGreaterThanOrEqual(delay)
      // The smallest rung is the minimum of additional delay.
      expect(sumOf(digits)).toBeLessThanOrEqual(delay + Math.max(tolerance, 9))
      expect(digits.filter((digit, i) => !(digit >= 0 && digit <= UNITS[i]!.top))).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

it('no sum within the tolerance has fewer non-zero digits, and no smaller sum has as few', () => {
  fc.assert(
    fc.property(DELAYS, fc.option(fc.nat(3000)), (delay, fixed) => {
      const tolerance = Math.min(fixed ?? defaultTolerance(delay), MAX_DELAY_MS - delay)
      const [first, last] = [Math.ceil(delay / 10), Math.floor((delay + tolerance) / 10)]
      let best = bruteDigits(first * 10)
      for (let tens = first + 1; tens <= last; tens++) {
        const digits = bruteDigits(tens * 10)
        if (used(digits) < used(best)) best = digits
      }
      expect(digitsFor(delay, tolerance)).toEqual(best)
    }),
    { numRuns: 1000 },
  )
})

it('a fraction of a millisecond is not cut off', () => {
  expect(sumOf(digitsFor(10.0001, 0))).toBe(20)
})

it.each([
  [3620 * DAY, 181 * DAY],
  [3601 * DAY, 360 * DAY],
  [MAX_DELAY_MS, 60_000],
  [MAX_DELAY_MS - 1, Infinity],
])('a large tolerance does not lead beyond the last rung: %d ms and %d', (delay, tolerance) => {
  const digits = digitsFor(delay, tolerance)
  expect(digits.at(-1)).toBeLessThanOrEqual(36)
  expect(sumOf(digits)).toBeLessThanOrEqual(MAX_DELAY_MS)
})

/** Counts up from the smallest unit, unlike the code. */
function bruteDigits(ms: number): number[] {
  let rest = ms / 10
  return UNITS.map(({ top }) => {
    const digit = rest % (top + 1)
    rest = (rest - digit) / (top + 1)
    return digit
  })
}
