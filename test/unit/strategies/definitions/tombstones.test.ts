import { expect, test } from 'vitest'
import { REMEMBERED_MS, Tombstones } from '../../../../src/strategies/definitions/tombstones.js'

const NOW = 1_800_000_000_000
const removal = (id: string, revision = 1) => ({ id, revision, definition: undefined })

test('a removed id is found with its revision, and forgotten after a day', () => {
  const removed = new Tombstones()
  removed.add(removal('a', 5), NOW)
  expect(removed.find('a')).toEqual(removal('a', 5))
  removed.add(removal('b'), NOW + REMEMBERED_MS - 1)
  expect(removed.find('a')?.revision).toBe(5)
  removed.add(removal('c'), NOW + REMEMBERED_MS)
  expect(removed.find('a')).toBeUndefined()
  expect(removed.find('b')?.revision).toBe(1)
})

test('however many are removed in a day, a bounded number is remembered: the last ones', () => {
  const removed = new Tombstones(3)
  for (const [n, id] of ['a', 'b', 'c', 'a', 'd'].entries()) removed.add(removal(id, n), NOW + n)
  expect(removed.size).toBe(3)
  expect(['a', 'b', 'c', 'd'].map((id) => removed.find(id)?.revision)).toEqual([3, undefined, 2, 4])
})
