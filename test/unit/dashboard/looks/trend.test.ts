import { expect, test } from 'vitest'
import { Trend } from '../../../../src/dashboard/looks/trend.js'

const MINUTE_MS = 60_000

test('the change is that of the last hour, or since the first count', () => {
  const trend = new Trend()
  expect(trend.add(0, 5)).toEqual({ messages: 5, change: 0, overMs: 0 })
  expect(trend.add(2000, 7)).toEqual({ messages: 7, change: 2, overMs: 2000 })
  expect(trend.add(30 * MINUTE_MS, 4)).toEqual({ messages: 4, change: -1, overMs: 30 * MINUTE_MS })
  expect(trend.add(61 * MINUTE_MS, 9)).toEqual({ messages: 9, change: 5, overMs: 31 * MINUTE_MS })
  // Nobody has looked for long.
  expect(trend.add(500 * MINUTE_MS, 1)).toEqual({ messages: 1, change: 0, overMs: 0 })
})
