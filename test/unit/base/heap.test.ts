import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heap } from '../../../src/base/heap.js'

it('returns items by number, and those with one number in the order of adding', () => {
  const step = fc.oneof({ weight: 3, arbitrary: fc.nat(9) }, { weight: 2, arbitrary: fc.constant('pop' as const) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const heap = new Heap<string>()
      const model: { item: string; at: number }[] = []
      for (const [order, at] of steps.entries()) {
        if (at === 'pop') expect(heap.pop()).toBe(model.shift()?.item)
        else {
          heap.add(`${order}`, at)
          model.push({ item: `${order}`, at })
          // A stable sort.
          model.sort((a, b) => a.at - b.at)
        }
        expect([heap.size, heap.first, heap.least]).toEqual([model.length, model[0]?.item, model[0]?.at ?? Infinity])
      }
      expect(heap.items().sort()).toEqual(model.map(({ item }) => item).sort())
      expect(heap.clear()).toHaveLength(model.length)
      expect([heap.size, heap.pop(), heap.least]).toEqual([0, undefined, Infinity])
    }),
  )
})
