import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HandledTimes } from '../../../src/recurring/handled-times.js'

const at = (time: number, revision = 1) => ({ id: 'a', revision, time })

it('knows the ticks from the first handled one up to the next one', () => {
  const handled = new HandledTimes()
  expect(handled.nextOf(at(0))).toBeUndefined()
  handled.add(at(10), 20)
  handled.add(at(20), 30)
  expect([9, 10, 15, 29, 30].map((time) => handled.has(at(time)))).toEqual([false, true, true, true, false])
  expect(handled.nextOf(at(0))).toBe(30)
  expect(handled.has(at(15, 2))).toBe(false)
  handled.add(at(30))
  expect([handled.has(at(1e15)), handled.nextOf(at(0))]).toEqual([true, Infinity])
})

it('a repair that is ahead of a chain takes none of its times, and the chain ends where the repair began', () => {
  const handled = new HandledTimes()
  handled.add(at(10), 20)
  handled.add(at(50), 60)
  expect([20, 30, 40, 50].map((time) => handled.has(at(time)))).toEqual([false, false, false, true])
  for (const time of [20, 30, 40]) handled.add(at(time), time + 10)
  expect([10, 40, 50, 59].map((time) => handled.has(at(time)))).toEqual([true, true, true, true])
  expect(handled.nextOf(at(0))).toBe(60)
})

it('is the union of what was added', () => {
  const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 10 }))
  const property = fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
    const handled = new HandledTimes()
    for (const [from, length] of ranges) handled.add(at(from), from + length)
    for (let time = 0; time < 55; time++)
      expect(handled.has(at(time))).toBe(ranges.some(([from, length]) => from <= time && time < from + length))
  })
  fc.assert(property)
})

it('forgets removed schedules, and all but some', () => {
  const handled = new HandledTimes()
  for (const id of ['a', 'b', 'c']) handled.add({ id, revision: 1, time: 1 }, 2)
  handled.delete('a')
  handled.keep(new Set(['a', 'b']))
  expect(['a', 'b', 'c'].map((id) => handled.has({ id, revision: 1, time: 1 }))).toEqual([false, true, false])
})

it('that may be lost is forgotten, and so are the ticks under way', () => {
  const handled = new HandledTimes()
  for (const [forget, id] of [
    [() => handled.lost('a'), 'b'],
    [() => handled.clear(), undefined],
  ] as const) {
    for (const one of ['a', 'b']) handled.add({ id: one, revision: 1, time: 1 }, 2)
    const { losses } = handled
    forget()
    expect(['a', 'b'].filter((one) => handled.has({ id: one, revision: 1, time: 1 }))).toEqual(id ? [id] : [])
    expect(handled.losses).not.toBe(losses)
  }
})

it('forgets the times from one on', () => {
  const handled = new HandledTimes()
  handled.add(at(10), 20)
  handled.add(at(30), 50)
  handled.add(at(60), 70)
  handled.forgetFrom(at(0), 40)
  expect([10, 19, 30, 39, 40, 60].map((time) => handled.has(at(time)))).toEqual([true, true, true, true, false, false])
  expect(handled.nextOf(at(0))).toBe(40)
  handled.forgetFrom(at(0), 10)
  expect(handled.nextOf(at(0))).toBeUndefined()
})
