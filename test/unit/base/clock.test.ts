import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { completeClock, systemClock } from '../../../src/base/clock.js'
import { manualClock } from '../../../src/strategies/memory/manual-clock.js'

beforeEach(() => vi.useFakeTimers({ now: 0 }))
afterEach(() => vi.useRealTimers())

it.each([1, 1000, 2 ** 31 - 1, 2 ** 31, 3650 * 86_400_000])('calls %d ms from now, once and not before', (delay) => {
  let calls = 0
  systemClock.at(delay, () => calls++)
  vi.advanceTimersByTime(delay - 1)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
  vi.advanceTimersByTime(2 ** 32)
  expect(calls).toBe(1)
})

it('calls as soon as possible for a past time', () => {
  let calls = 0
  systemClock.at(-5, () => calls++)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
})

it('keeps waiting if the clock was set back meanwhile', () => {
  let calls = 0
  systemClock.at(1000, () => calls++)
  vi.advanceTimersByTime(900)
  vi.setSystemTime(500)
  vi.advanceTimersByTime(499)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
})

it.each([5, 2 ** 32])('does not call %d ms from now if it is cancelled', (delay) => {
  let calls = 0
  const cancel = systemClock.at(delay, () => calls++)
  vi.advanceTimersByTime(delay - 1)
  cancel()
  vi.advanceTimersByTime(2 ** 32)
  expect(calls).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

it.each([5, 2 ** 32])(
  'calls after %d ms, whatever the wall clock is set to meanwhile, and not if it is cancelled',
  (delay) => {
    const calls: string[] = []
    systemClock.after(delay, () => calls.push('after'))
    const cancel = systemClock.after(delay, () => calls.push('cancelled'))
    for (const time of [3_600_000, -3_600_000]) vi.setSystemTime(time)
    vi.advanceTimersByTime(delay - 1)
    expect(calls).toEqual([])
    cancel()
    vi.advanceTimersByTime(1)
    expect(calls).toEqual(['after'])
    expect(vi.getTimerCount()).toBe(0)
  },
)

it('reports a step of the wall clock, and makes the calls due by it within a second', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  const start = Date.now()
  const seen: (string | number)[] = []
  const listeners = [
    systemClock.onStep((ms) => seen.push(Math.round(ms / 60_000))),
    systemClock.at(start + 3_600_000, () => seen.push('in an hour')),
    systemClock.at(start + 50, () => seen.push('soon')),
  ]
  for (const time of [start - 3_600_000, start + 7_200_000]) {
    vi.setSystemTime(time)
    const count = seen.length
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(count), { timeout: 10_000 })
  }
  expect(seen).toEqual([-60, 180, 'in an hour', 'soon'].slice(0, seen.length))
  await vi.waitFor(() => expect(seen).toHaveLength(4), { timeout: 10_000 })
  for (const cancel of listeners) cancel()
})

it('completes a clock that has only a time and timers', () => {
  const inner = manualClock(1000)
  const clock = completeClock({ now: () => inner.now(), at: (time, callback) => inner.at(time, callback) })
  const calls: number[] = []
  clock.after(10, () => calls.push(clock.monotonic()))
  clock.onStep(() => calls.push(NaN))()
  inner.advance(20)
  expect([calls, clock.now()]).toEqual([[1010], 1020])
  expect(completeClock(systemClock)).toBe(systemClock)
})
