import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { LoopWatch } from '../../../src/cancellation/loop-watch.js'

afterEach(() => {
  vi.useRealTimers()
})

function watch(lateMs: number) {
  const onLate = vi.fn()
  const watched = new LoopWatch(lateMs, onLate)
  onTestFinished(() => watched.close())
  return { watched, onLate }
}

it('a loop that goes on is not late', () => {
  vi.useFakeTimers()
  const { watched, onLate } = watch(500)
  for (let passedMs = 0; passedMs < 5000; passedMs += 50) {
    vi.advanceTimersByTime(50)
    expect(watched.isLate()).toBe(false)
  }
  expect(onLate).not.toHaveBeenCalled()
})

it('a loop that stood still is late at once, and no more when that was noticed', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  const startedAt = performance.now()
  const now = vi.spyOn(performance, 'now').mockReturnValue(startedAt)
  onTestFinished(() => now.mockRestore())
  const { watched, onLate } = watch(50)
  // No timer has fired meanwhile.
  now.mockReturnValue(startedAt + 51)
  expect(watched.isLate()).toBe(true)
  expect(onLate).not.toHaveBeenCalled()
  vi.advanceTimersByTime(10)
  expect(onLate).toHaveBeenCalledOnce()
  expect(watched.isLate()).toBe(false)
})

it('a suspended machine shows by the wall clock', () => {
  vi.useFakeTimers()
  const { watched, onLate } = watch(500)
  vi.setSystemTime(Date.now() + 3_600_000)
  expect(watched.isLate()).toBe(true)
  vi.advanceTimersByTime(100)
  expect([watched.isLate(), onLate.mock.calls.length]).toEqual([false, 1])
})
