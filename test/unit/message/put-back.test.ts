import { expect, it } from 'vitest'
import { putBackHold } from '../../../src/message/put-back.js'

it.each([
  { count: 0, earlyMs: 90_000, holdMs: undefined },
  { count: 1, earlyMs: 90_000, holdMs: 1000 },
  { count: 2, earlyMs: 90_000, holdMs: 2000 },
  { count: 6, earlyMs: 90_000, holdMs: 32_000 },
  { count: 7, earlyMs: 90_000, holdMs: 45_000 },
  { count: 7, earlyMs: 3_600_000, holdMs: 60_000 },
  { count: 1_000_000, earlyMs: 3_600_000, holdMs: 60_000 },
  { count: 9, earlyMs: 30_001, holdMs: 15_000.5 },
])('put back $count times before, $earlyMs ms too early: held for $holdMs ms', ({ count, earlyMs, holdMs }) => {
  expect(putBackHold(count, earlyMs)).toBe(holdMs)
})

it('a clock that is ahead by any amount costs few trips', () => {
  for (const skewMs of [31_000, 90_000, 3_600_000]) {
    let earlyMs = skewMs
    let trips = 0
    for (; earlyMs > 30_000; trips++) earlyMs -= putBackHold(trips, earlyMs) ?? 0
    expect(earlyMs).toBeGreaterThan(0)
    expect(trips).toBeLessThan(10 + skewMs / 50_000)
  }
})
