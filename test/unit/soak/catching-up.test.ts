import { expect, test } from 'vitest'
import { isBehind } from '../../../bench/soak/catching-up.js'

test('a node is behind if it lacks a record that another one had before', () => {
  expect(isBehind([[5, 9]], [])).toBe(false)
  // The load goes on between two looks.
  expect(
    isBehind(
      [
        [8, 9],
        [7, 9],
      ],
      [
        [5, 9],
        [7, 9],
      ],
    ),
  ).toBe(false)
  expect(
    isBehind(
      [
        [8, 9],
        [6, 9],
      ],
      [
        [7, 9],
        [6, 9],
      ],
    ),
  ).toBe(true)
  // One that cannot read a stream.
  expect(
    isBehind(
      [
        [8, 9],
        [8, -1],
      ],
      [
        [8, 9],
        [8, -1],
      ],
    ),
  ).toBe(true)
})
