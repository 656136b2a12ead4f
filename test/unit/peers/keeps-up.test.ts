import { expect, test } from 'vitest'
import { keepsUp } from '../../../bench/peers/works/keeps-up.js'

const even = Array.from({ length: 1000 }, (_, n) => n % 20)
const growing = even.map((ms, n) => ms + n / 2)

test.each([
  ['even lateness at the whole rate', even, 1000, true],
  ['a hundredth less than the rate', even, 990, true],
  ['a tenth less than the rate', even, 900, false],
  ['lateness that grows', growing, 1000, false],
  ['lateness of a poll at long intervals', growing.map((ms) => ms + 2000), 1000, true],
  ['one late message at the end', [...even, 5000], 1000, true],
  ['nothing that arrived', [], 1000, false],
])('%s', (_, lateness, reached, expected) => {
  expect(keepsUp(lateness, 1000, reached)).toBe(expected)
})
