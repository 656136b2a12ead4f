import { expect, it } from 'vitest'
import { hopelessWait } from '../../../../src/strategies/store/relay.js'

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]

it('tries what can never be published less and less often: thirty times on the first day', () => {
  let overdue = 0
  const waits: number[] = []
  while (overdue < 24 * HOUR) {
    const wait = hopelessWait(overdue)
    waits.push(wait)
    overdue += wait
  }
  expect(waits.slice(0, 8).map((wait) => wait / MINUTE)).toEqual([1, 1, 2, 4, 8, 16, 32, 60])
  expect(waits.slice(7).every((wait) => wait === HOUR)).toBe(true)
  expect(waits).toHaveLength(30)
})

it.each([
  [-5 * SECOND, MINUTE],
  [30 * 24 * HOUR, HOUR],
])('waits at least a minute and at most an hour: %d ms overdue', (overdue, wait) => {
  expect(hopelessWait(overdue)).toBe(wait)
})
