import { expect, it } from 'vitest'
import { AutoPrefetch } from '../../../src/consumer/auto-prefetch.js'

it.each([
  [10, 0, 20, 100],
  [1, 0, 2, 10],
  [10, 149, 169, 249],
  [10, 60_000, 1020, 1100],
  [1_000_000, 0, 65_535, 65_535],
])(
  '%i handlers and a lead of %i ms make a prefetch of %i, and of %i once handlers are fast',
  (concurrency, lead, slow, fast) => {
    const prefetch = new AutoPrefetch(concurrency, lead)
    expect(prefetch.value).toBe(slow)
    while (!prefetch.took(5));
    expect(prefetch.value).toBe(fast)
  },
)

it.each([
  [10, 1, 20],
  [10, 60, 60],
  [10, 1000, 100],
  [1, 0.1, 2],
])('%i fast handlers that start at %d a second make a prefetch of %i', (concurrency, perSecond, fast) => {
  const prefetch = new AutoPrefetch(concurrency, 0, perSecond)
  while (!prefetch.took(5));
  expect(prefetch.value).toBe(fast)
})

it('slow handlers never raise it, and fast ones that become slow lower it', () => {
  const prefetch = new AutoPrefetch(10, 0)
  for (let n = 0; n < 1000; n++) expect(prefetch.took(60)).toBe(false)
  let handled = 1
  while (!prefetch.took(1)) handled++
  expect([prefetch.value, handled < 100]).toEqual([100, true])
  for (let n = 0; n < 1000; n++) expect(prefetch.took(150)).toBe(false)
  while (!prefetch.took(1000)) handled++
  expect([prefetch.value, handled < 120]).toEqual([20, true])
})
