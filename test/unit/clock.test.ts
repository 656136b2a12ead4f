import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/clock.js'

beforeEach(() => vi.useFakeTimers({ now: 0 }))
afterEach(() => vi.useRealTimers())

it.each([1, 1000, 2 ** 31 - 1, 2 ** 31, 3650 * 86_400_000])('calls at %d ms from now, once and not before', (delay) => {
  let calls = 0
  systemClock.at(delay, () => calls++)
  vi.advanceTimersByTime(delay - 1)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
  vi.advanceTimersByTime(2 ** 32)
  expect(calls).toBe(1)
})

it('calls as soon as it can for a time that is past', () => {
  let calls = 0
  systemClock.at(-5, () => calls++)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
})

it('waits on when the clock was set back meanwhile', () => {
  let calls = 0
  systemClock.at(1000, () => calls++)
  vi.advanceTimersByTime(900)
  vi.setSystemTime(500)
  vi.advanceTimersByTime(499)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
})

it.each([5, 2 ** 32])('does not call for %d ms from now once it is cancelled', (delay) => {
  let calls = 0
  const cancel = systemClock.at(delay, () => calls++)
  vi.advanceTimersByTime(delay - 1)
  cancel()
  vi.advanceTimersByTime(2 ** 32)
  expect(calls).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})
