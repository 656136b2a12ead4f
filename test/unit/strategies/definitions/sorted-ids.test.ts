import { expect, test } from 'vitest'
import { SortedIds } from '../../../../src/strategies/definitions/sorted-ids.js'

function world(...given: string[]) {
  const present = new Map<string, number>()
  const ids = new SortedIds(present)
  const add = (id: string) => {
    const isNew = !present.has(id)
    present.set(id, 1)
    if (isNew) ids.added(id)
  }
  for (const id of given) add(id)
  return { ids, add, remove: (id: string) => present.delete(id) }
}

test('pages hold the ids behind the one before, in their order, which begin with the prefix', () => {
  const { ids } = world('b', 'a/2', 'c', 'a/1', 'a', 'a/10', 'ab')
  expect(ids.page('', undefined, 10)).toEqual(['a', 'a/1', 'a/10', 'a/2', 'ab', 'b', 'c'])
  expect(ids.page('', 'a/10', 3)).toEqual(['a/2', 'ab', 'b'])
  expect(ids.page('a/', undefined, 2)).toEqual(['a/1', 'a/10'])
  expect(ids.page('a/', 'a/10', 2)).toEqual(['a/2'])
  expect(ids.page('a/', 'a/2', 2)).toEqual([])
  expect(ids.page('b', 'a', 2)).toEqual(['b'])
  expect(ids.page('d', undefined, 2)).toEqual([])
})

test('ids that come, go and come again between two pages are where they belong, once', () => {
  const { ids, add, remove } = world('a', 'c', 'e')
  expect(ids.page('', undefined, 1)).toEqual(['a'])
  for (const id of ['d', 'b', 'f']) add(id)
  for (const id of ['c', 'b']) remove(id)
  add('c')
  expect(ids.page('', 'a', 10)).toEqual(['c', 'd', 'e', 'f'])
  for (const id of ['a', 'c', 'd', 'e']) remove(id)
  expect(ids.page('', undefined, 10)).toEqual(['f'])
  // More have come than are there.
  for (let n = 0; n < 5; n++) {
    add('g')
    remove('g')
    add('h')
    remove('h')
  }
  add('b')
  expect(ids.page('', undefined, 10)).toEqual(['b', 'f'])
})
