import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Fifo } from '../../../src/base/fifo.js'

interface Step {
  push?: number
  shift?: true
  remove?: number
}

it('behaves like an array, whatever is pushed, shifted and removed', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.nat(50).map((item) => ({ push: item })) },
    { weight: 3, arbitrary: fc.constant({ shift: true }) },
    { weight: 1, arbitrary: fc.nat(4).map((rest) => ({ remove: rest })) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const fifo = new Fifo<number>()
      let model: number[] = []
      for (const { push, shift, remove } of steps as Step[]) {
        if (push !== undefined) {
          fifo.push(push)
          model.push(push)
        }
        if (shift) expect(fifo.shift()).toBe(model.shift())
        if (remove !== undefined) {
          expect(fifo.remove((item) => item % 5 === remove)).toEqual(model.filter((item) => item % 5 === remove))
          model = model.filter((item) => item % 5 !== remove)
        }
        expect(fifo.first).toBe(model[0])
        expect(fifo.length).toBe(model.length)
        expect(fifo.items()).toEqual(model)
      }
    }),
  )
})

it('keeps the order of many items, and releases the removed ones', () => {
  const fifo = new Fifo<number>()
  const taken: (number | undefined)[] = []
  for (let i = 0; i < 10_000; i++) {
    fifo.push(i)
    if (i % 3 !== 0) taken.push(fifo.shift())
  }
  while (fifo.length > 0) taken.push(fifo.shift())
  expect(taken).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  expect(fifo.shift()).toBeUndefined()
})
