import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf } from '../../../../src/base/fingerprint.js'
import { KeyMemory } from '../../../../src/consumer/copies/key-memory.js'

const prints = Array.from({ length: 6000 }, (_, n) => fingerprintOf(`key ${n}`))

describe('a memory of keys', () => {
  it.each([0, 1, 1024, 1025, 1_000_000, Infinity])(
    'for %d keys is empty at first, and can be emptied again',
    (expected) => {
      const memory = new KeyMemory(expected)
      expect([memory.size, memory.oldestAt, memory.has(prints[0]!)]).toEqual([0, undefined, false])
      memory.forgetOldest()
      memory.add(prints[0]!, 5)
      expect([memory.size, memory.oldestAt, memory.has(prints[0]!), memory.has(prints[1]!)]).toEqual([
        1,
        5,
        true,
        false,
      ])
      memory.forgetOldest()
      expect([memory.size, memory.oldestAt, memory.has(prints[0]!)]).toEqual([0, undefined, false])
    },
  )

  it('holds the keys that were added and not forgotten, oldest first, whatever is added and forgotten', () => {
    const steps = fc.array(fc.record({ adds: fc.nat(3000), forgets: fc.nat(3000) }), { maxLength: 12 })
    fc.assert(
      fc.property(steps, (all) => {
        const memory = new KeyMemory()
        let [oldest, next] = [0, 0]
        for (const { adds, forgets } of all) {
          // Each key is added again some time after it was forgotten.
          for (let i = 0; i < adds && next - oldest < prints.length; i++, next++) {
            memory.add(prints[next % prints.length]!, next)
          }
          for (let i = 0; i < forgets && oldest < next; i++, oldest++) memory.forgetOldest()
          expect(memory.size).toBe(next - oldest)
          expect(memory.oldestAt).toBe(oldest < next ? oldest : undefined)
          const isIn = (n: number) => (n - (oldest % prints.length) + prints.length) % prints.length < next - oldest
          expect(prints.filter((print, n) => memory.has(print) !== isIn(n))).toEqual([])
        }
      }),
      { numRuns: 30 },
    )
  })

  it('distinguishes fingerprints that differ in one word, and finds those that wrap around the end of the table', () => {
    const memory = new KeyMemory()
    const alike = [0, 1, 2, 3].map((word) => Int32Array.from({ length: 4 }, (_, i) => (i === word ? -1 : 7)))
    const same = Array.from({ length: 500 }, (_, n) => Int32Array.of(2047, n, 0, 0))
    for (const print of [...alike, ...same]) memory.add(print, 0)
    expect(memory.has(Int32Array.of(7, 7, 7, 7))).toBe(false)
    for (let gone = 0; gone < 504; gone++) {
      expect([...alike, ...same].map((print) => memory.has(print)).lastIndexOf(false)).toBe(gone - 1)
      memory.forgetOldest()
    }
  })
})
