import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LATEST_MS } from '../../../src/base/clock.js'
import { isoTime } from '../../../src/message/iso-time.js'

it('is what Date.toISOString has, of every instant that a Date holds', () => {
  const instant = fc.oneof(fc.integer({ min: -LATEST_MS, max: LATEST_MS }), fc.integer({ min: 0, max: 4e12 }))
  fc.assert(
    fc.property(instant, fc.integer({ min: -90_000_000, max: 90_000_000 }), (first, step) => {
      const second = Math.min(Math.max(first + step, -LATEST_MS), LATEST_MS)
      for (const ms of [first, second, first]) expect(isoTime(ms)).toBe(new Date(ms).toISOString())
    }),
  )
})

it.each([NaN, Infinity, -Infinity, 2 * LATEST_MS])('refuses %d, which is no date', (ms) => {
  expect(() => isoTime(ms)).toThrow(RangeError)
})
