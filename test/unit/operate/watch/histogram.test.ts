import { expect, test } from 'vitest'
import { increaseOf, quantileOf, sumOfHistograms, totalOf } from '../../../../src/operate/watch/histogram.js'

const of = (...counts: [number, number][]) => new Map(counts)

test.each([
  ['no values', of([1, 0], [Infinity, 0]), 0.5, undefined],
  ['nothing at all', of(), 0.5, undefined],
  ['the middle of a bucket', of([1, 0], [2, 10], [Infinity, 10]), 0.5, 1.5],
  ['the first bucket, which begins at zero', of([1, 4], [Infinity, 4]), 0.5, 0.5],
  ['the end of a bucket', of([1, 5], [2, 10], [Infinity, 10]), 0.5, 1],
  ['beyond the largest bound', of([1, 1], [5, 1], [Infinity, 100]), 0.99, 5],
  ['bounds in any order', of([Infinity, 10], [2, 10], [1, 0]), 0.99, 1.99],
])('a quantile of %s', (_, histogram, share, expected) => {
  const quantile = quantileOf(histogram, share)
  if (expected === undefined) expect(quantile).toBeUndefined()
  else expect(quantile).toBeCloseTo(expected, 9)
})

test('an increase is that of each bucket, and all of a histogram that began anew', () => {
  const before = of([1, 2], [Infinity, 5])
  expect(increaseOf(before, of([1, 3], [Infinity, 9]))).toEqual(of([1, 1], [Infinity, 4]))
  expect(increaseOf(before, of([1, 1], [Infinity, 4]))).toEqual(of([1, 1], [Infinity, 4]))
  expect(increaseOf(undefined, before)).toEqual(before)
})

test('histograms with other bounds are added up, values at the next bound that both have or one has', () => {
  const sum = sumOfHistograms([of([1, 1], [4, 3], [Infinity, 4]), of([2, 5], [Infinity, 6])])
  expect(sum).toEqual(of([1, 1], [2, 6], [4, 8], [Infinity, 10]))
  expect(totalOf(sum)).toBe(10)
  expect(sumOfHistograms([])).toEqual(of())
})
