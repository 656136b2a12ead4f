import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DELAY_MS } from '../../../../src/message/due.js'
import { digitsOf } from '../../../../src/strategies/ladder/path.js'
import { rungsOf, type Rung } from '../../../../src/strategies/ladder/rungs.js'
import { shardOf, SHARD_CHOICES, shardChoice } from '../../../../src/strategies/ladder/shards.js'

const MINUTE = 60_000
const sums = fc.integer({ min: 1, max: MAX_DELAY_MS / 10 }).map((n) => n * 10)
const ends = fc.integer({ min: MAX_DELAY_MS, max: 2 ** 42 })

function shardsOf(sum: number, turn: number, end: number, shards: number): [Rung, number][] {
  const choice = shardChoice(sum, turn % shards, end)
  expect(choice).toBeLessThan(SHARD_CHOICES)
  return rungsOf(digitsOf(sum)).map((rung) => [rung, shardOf(rung, choice, shards)])
}

/** One rung on its own, entered at this time. */
function shardAt(ttlMs: number, entered: number, turn: number, shards: number): number {
  return shardsOf(ttlMs, turn, entered + ttlMs, shards)[0]![1]
}

describe('the shards of a wait', () => {
  it('are those that there are', () => {
    fc.assert(
      fc.property(sums, ends, fc.nat(), fc.integer({ min: 1, max: 64 }), (sum, end, turn, shards) => {
        for (const [, shard] of shardsOf(sum, turn, end, shards)) {
          expect(shard).toBeGreaterThanOrEqual(0)
          expect(shard).toBeLessThan(shards)
        }
      }),
    )
  })

  it('take messages one after the other below a minute', () => {
    const taken = Array.from({ length: 6 }, (_, turn) => shardAt(59_000, 7_777_777, turn, 3))
    expect(taken).toEqual([0, 1, 2, 0, 1, 2])
  })

  it.each([1, 59, 60, 23 * 60, 24 * 60, 99 * 24 * 60, 36 * 100 * 24 * 60])(
    'hand nothing over while they take messages, on a rung of %d minutes',
    (minutes) => {
      const ttlMs = minutes * MINUTE
      const within = fc.integer({ min: 0, max: ttlMs - 1 })
      fc.assert(
        fc.property(fc.nat(1000), within, within, fc.integer({ min: 2, max: 64 }), (slice, a, b, shards) => {
          const [leaves, enters] = [
            shardAt(ttlMs, slice * ttlMs + a, a, shards),
            shardAt(ttlMs, (slice + 1) * ttlMs + b, b, shards),
          ]
          expect(leaves).not.toBe(enters)
        }),
      )
    },
  )

  it('are all used in two times of a rung', () => {
    for (let shards = 1; shards <= 64; shards++) {
      const used = new Set<number>()
      for (let turn = 0; turn < shards; turn++)
        for (const at of [0, MINUTE]) used.add(shardAt(MINUTE, at, turn, shards))
      expect(used.size).toBe(shards)
    }
  })
})
