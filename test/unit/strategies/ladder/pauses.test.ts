import { expect, it } from 'vitest'
import { Pauses } from '../../../../src/strategies/ladder/pauses.js'

it('never ends early, and pauses that end together share one wait', async () => {
  const pauses = new Pauses()
  const started = performance.now()
  const early: number[] = []
  const waits = Array.from({ length: 500 }, async (_, i) => {
    const ms = 1 + (i % 9)
    const from = performance.now()
    await pauses.take(ms)
    const passed = performance.now() - from
    if (passed < ms) early.push(passed - ms)
  })
  const shared = new Set(Array.from({ length: 100 }, () => pauses.take(5)))
  expect(shared.size).toBeLessThanOrEqual(2 + (performance.now() - started))
  await Promise.all([...waits, ...shared])
  expect(early).toEqual([])
})

it('forgets a finished wait', async () => {
  const pauses = new Pauses()
  const first = pauses.take(1)
  await first
  const second = pauses.take(1)
  expect(second).not.toBe(first)
  await second
})
