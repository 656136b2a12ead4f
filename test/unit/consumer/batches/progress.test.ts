import { expect, it } from 'vitest'
import { ProgressMemory } from '../../../../src/consumer/batches/progress.js'

const batch = (id: string, revision = 1) => ({
  properties: { messageId: id },
  headers: { 'dueque-revision': revision },
})

it('is the same for each delivery of a batch, and another for another revision', () => {
  const memory = new ProgressMemory()
  expect(memory.knows(batch('a'))).toBe(false)
  const progress = memory.of(batch('a'), 10)
  progress.settle(3)
  expect(memory.knows(batch('a'))).toBe(true)
  expect(memory.of(batch('a'), 10)).toBe(progress)
  expect([progress.isSettled(3), progress.isSettled(4), progress.isFresh]).toEqual([true, false, false])
  expect(memory.of(batch('a', 2), 10).isFresh).toBe(true)
})

it('knows every item of a batch that has ended', () => {
  const progress = new ProgressMemory().of(batch('a'), 10)
  progress.end()
  expect([progress.isSettled(0), progress.isSettled(63), progress.isFresh]).toEqual([true, true, false])
})

it('is not fresh while an item is being published singly', () => {
  const progress = new ProgressMemory().of(batch('a'), 10)
  progress.leaving.set(1, Promise.resolve(true))
  expect(progress.isFresh).toBe(false)
})

it('forgets the batches that came the longest ago, and no open one', () => {
  const memory = new ProgressMemory()
  const open = memory.of(batch('open'), 500)
  open.deliveries++
  for (let n = 0; n < 3000; n++) memory.of(batch(`${n}`), 500)
  const known = Array.from({ length: 3000 }, (_, n) => memory.knows(batch(`${n}`)))
  expect([known.indexOf(true), memory.of(batch('open'), 500)]).toEqual([1001, open])
  open.deliveries--
  for (let n = 0; n < 2000; n++) memory.of(batch(`${n}`), 500)
  expect(memory.knows(batch('open'))).toBe(false)
})

it('does not connect batches of a foreign producer that have no id or revision', () => {
  const memory = new ProgressMemory()
  for (const foreign of [
    { properties: {}, headers: { 'dueque-revision': 1 } },
    { properties: { messageId: 'a' }, headers: {} },
  ]) {
    expect(memory.of(foreign, 10)).not.toBe(memory.of(foreign, 10))
    expect(memory.knows(foreign)).toBe(false)
  }
})
