import { expect, test } from 'vitest'
import { distanceText, durationText, optionText } from '../../../src/base/duration-text.js'

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]

test.each([
  [0, '0 ms'],
  [2.25, '2.3 ms'],
  [850, '850 ms'],
  [999.9, '999.9 ms'],
  [999.96, '1 s'],
  [1234, '1.2 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min'],
  [3 * MINUTE + 20 * SECOND, '3 min 20 s'],
  [59 * MINUTE + 40 * SECOND, '59 min 40 s'],
  [HOUR - 1, '1 h'],
  [2 * HOUR + 5 * MINUTE, '2 h 5 min'],
  [DAY - 1, '1 d'],
  [3 * DAY + 4 * HOUR, '3 d 4 h'],
  [400 * DAY, '400 d'],
  [-1234, '-1.2 s'],
])('%d ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

test.each([
  [0, 'now'],
  [-999, 'now'],
  [1000, 'in 1 s'],
  [59_499, 'in 59 s'],
  [59_500, 'in 1 min'],
  [-5 * MINUTE, '5 min ago'],
  [HOUR - 20 * SECOND, 'in 1 h'],
  [3 * HOUR + 20 * MINUTE, 'in 3 h'],
  [-(23 * HOUR + 40 * MINUTE), '1 d ago'],
  [412 * DAY, 'in 412 d'],
])('an instant %d ms away is %s', (ms, text) => {
  expect(distanceText(ms)).toBe(text)
})

test.each([
  [0, '0ms'],
  [1500, '1s500ms'],
  [5_400_000, '1h30m'],
  [95_000_000, '1d2h23m20s'],
])('%s ms are %s as an option', (ms, text) => {
  expect(optionText(ms)).toBe(text)
})
