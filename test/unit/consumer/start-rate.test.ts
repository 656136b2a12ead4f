import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { StartRate } from '../../../src/consumer/start-rate.js'
import type { Clock } from '../../../src/base/clock.js'
import { manualClock } from '../../../src/index.js'

/** Starts whenever it may, with timers that are up to `lateMs` late. @returns the times */
function starts(perSecond: number, lateMs: readonly number[], forMs: number): number[] {
  const clock = manualClock(0)
  const times: number[] = []
  const start = () => {
    while (rate.isOpen()) {
      times.push(clock.monotonic())
      rate.started()
    }
  }
  let n = 0
  const late: Clock = {
    ...clock,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms: number, call: () => void) => clock.after(ms + lateMs[n++ % lateMs.length]!, call),
  }
  const rate = new StartRate(late, perSecond, start)
  start()
  for (let ms = 0; ms < forMs; ms++) clock.advance(1)
  return times
}

it.each([0.5, 1, 7, 100])('%d handlers a second start evenly, none too soon', (perSecond) => {
  const times = starts(perSecond, [0], 4000)
  expect(times.length).toBeGreaterThanOrEqual(Math.floor(4 * perSecond))
  for (const [i, at] of times.entries()) expect(at).toBeGreaterThanOrEqual((i * 1000) / perSecond - 1e-6)
})

it('late timers are caught up by 10 ms at most: a second never has more than its number and a hundredth', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1 }),
      (perSecond, lateMs) => {
        const times = starts(perSecond, lateMs, 3000)
        for (const from of times) {
          const within = times.filter((at) => at >= from && at < from + 1000).length
          expect(within).toBeLessThanOrEqual(Math.ceil(perSecond * 1.01) + 1)
        }
      },
    ),
    { numRuns: 20 },
  )
})

it('after a pause without messages nothing is made up for', () => {
  const clock = manualClock(0)
  const rate = new StartRate(clock, 10, vi.fn())
  rate.started()
  clock.advance(60_000)
  rate.started()
  expect(rate.isOpen()).toBe(false)
  clock.advance(100)
  expect(rate.isOpen()).toBe(true)
})
