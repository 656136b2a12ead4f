import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Bag, type BagItem } from '../../../src/base/bag.js'

it('holds the same items as a Set, whatever is added and deleted', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const items = Array.from({ length: 10 }, (): BagItem => ({ slot: -1 }))
      const [bag, set] = [new Bag<BagItem>(), new Set<BagItem>()]
      for (const [isAdded, which] of steps) {
        const item = items[which]!
        if (!isAdded) expect(bag.delete(item)).toBe(set.delete(item))
        else if (!set.has(item)) {
          bag.add(item)
          set.add(item)
        }
        expect(bag.size).toBe(set.size)
        expect(new Set(bag)).toEqual(set)
      }
    }),
  )
})

it('leaves the items of another bag alone', () => {
  const [bag, other] = [new Bag<BagItem>(), new Bag<BagItem>()]
  const [mine, theirs] = [{ slot: -1 }, { slot: -1 }]
  bag.add(mine)
  other.add(theirs)
  expect(bag.delete(theirs)).toBe(false)
  expect([bag.size, other.size]).toEqual([1, 1])
})
