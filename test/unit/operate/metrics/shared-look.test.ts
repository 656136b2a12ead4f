import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SharedLook } from '../../../../src/operate/metrics/shared-look.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Answers of looks that take so long. */
function taking(ms: number, answer: (n: number) => number = (n) => n) {
  let n = 0
  const look = vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return answer(++n)
  })
  return { look, shared: new SharedLook(look) }
}

it('shares a look with those who ask meanwhile and within 2 s', async () => {
  const { look, shared } = taking(100)
  const both = Promise.all([shared.ask(), shared.ask()])
  await vi.advanceTimersByTimeAsync(2050)
  expect(await both).toEqual([{ value: 1 }, { value: 1 }])
  expect(await shared.ask()).toEqual({ value: 1 })
  await vi.advanceTimersByTimeAsync(100)
  void shared.ask()
  expect(look).toHaveBeenCalledTimes(2)
})

it('keeps an answer for four times as long as it took', async () => {
  const { look, shared } = taking(1000)
  void shared.ask()
  await vi.advanceTimersByTimeAsync(4900)
  void shared.ask()
  expect(look).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(200)
  void shared.ask()
  expect(look).toHaveBeenCalledTimes(2)
})

it('keeps an answer for as long as is given, however long it took', async () => {
  const { look } = taking(60_000)
  const shared = new SharedLook(look, 10_000)
  void shared.ask()
  await vi.advanceTimersByTimeAsync(69_900)
  void shared.ask()
  expect(look).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(200)
  void shared.ask()
  expect(look).toHaveBeenCalledTimes(2)
})

it('gives up after 5 s, and lets the next one have the same look', async () => {
  const { look, shared } = taking(8000)
  const first = shared.ask()
  await vi.advanceTimersByTimeAsync(5000)
  expect(await first).toEqual({ reason: 'no answer within 5000 ms' })
  const second = shared.ask()
  await vi.advanceTimersByTimeAsync(3000)
  expect([await second, look.mock.calls.length]).toEqual([{ value: 1 }, 1])
})

it('says why there is no answer', async () => {
  const { shared } = taking(1, () => {
    throw new Error('away')
  })
  const seen = shared.ask()
  await vi.advanceTimersByTimeAsync(1)
  expect(await seen).toEqual({ reason: 'away' })
})
