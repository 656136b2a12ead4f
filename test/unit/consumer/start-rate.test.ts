import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { StartRate } from '../../../src/consumer/start-rate.js'
import type { Clock } from '../../../src/base/clock.js'
import { manualClock, type DedupeStore } from '../../../src/index.js'
import { settled, world } from './world.js'

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

it('a turn that is not used may be taken at once, but none between two others', () => {
  const clock = manualClock(0)
  const rate = new StartRate(clock, 10, vi.fn())
  rate.unused(rate.started())
  expect(rate.isOpen()).toBe(true)
  const first = rate.started()
  clock.advance(100)
  rate.started()
  rate.unused(first)
  expect(rate.isOpen()).toBe(false)
  clock.advance(100)
  expect(rate.isOpen()).toBe(true)
})

/** Copies of messages whose ids begin with "old" were settled by another process. */
const elsewhere: DedupeStore = {
  name: 'elsewhere',
  claim: (key) => Promise.resolve(key.includes('old') ? 'settled' : 'claimed'),
  renew: () => Promise.resolve(),
  settle: () => Promise.resolve(),
  release: () => Promise.resolve(),
}

it.each([
  ['suppressed', {}, { dedupe: { store: elsewhere } }],
  ['cancelled', { isCancelled: ({ id }: { id: string | undefined }) => id!.startsWith('old') }, {}],
] as const)('%s messages take no turns of handlers', async (counted, environment, options) => {
  const { arrive, log, clock, consumer } = await world(() => undefined, environment, { ratePerSecond: 1, ...options })
  for (const id of ['old 1', 'old 2', 'first', 'old 3', 'second']) await arrive(id, { dedupeKey: id })
  expect([log, consumer.stats()[counted]]).toEqual([['first'], 2])
  clock.advance(999)
  await settled()
  expect(log).toEqual(['first'])
  clock.advance(1)
  await settled()
  expect([log, consumer.stats()[counted]]).toEqual([['first', 'second'], 3])
})
