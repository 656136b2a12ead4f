import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoff } from '../../../src/base/backoff.js'

it('is random between zero and a ceiling that doubles up to the limit', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.integer({ min: 1, max: 1000 }), fc.nat(60_000), (attempt, baseMs, maxMs) => {
      const waits = Array.from({ length: 20 }, () => backoff(attempt, { baseMs, maxMs }))
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...waits)).toBeLessThanOrEqual(Math.min(maxMs, baseMs * 2 ** attempt))
    }),
  )
})
