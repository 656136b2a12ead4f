import { expect, test } from 'vitest'
import { DefinitionTable, REMEMBERED_MS } from '../../../../src/strategies/definitions/definition-table.js'
import type { DefinitionRecord } from '../../../../src/strategies/recurring-definitions.js'

const NOW = 1_800_000_000_000
const record = (revision: number, definition: string | undefined, id = 'a'): DefinitionRecord => ({
  id,
  revision,
  definition,
})

/** Every order of some records. */
function* orders<T>(all: readonly T[]): Generator<T[]> {
  if (all.length === 0) yield []
  for (const [i, one] of all.entries()) for (const rest of orders(all.toSpliced(i, 1))) yield [one, ...rest]
}

test.each<[string, DefinitionRecord[], string | undefined]>([
  ['the greatest revision', [record(1, '1'), record(3, '3'), record(2, '2')], '3'],
  ['a removal that is the greatest', [record(1, '1'), record(3, undefined), record(2, '2')], undefined],
  ['a definition after a removal', [record(1, '1'), record(2, undefined), record(3, '3')], '3'],
  ['of equal revisions the removal', [record(2, '2'), record(2, undefined), record(1, '1')], undefined],
])('of the records of an id counts, in whatever order they come: %s', (_, records, expected) => {
  for (const order of orders([...records, records[0]!])) {
    const table = new DefinitionTable()
    for (const one of order) table.add(one, NOW)
    expect(table.present('a')?.definition).toBe(expected)
    expect([...table.all()].map(({ definition }) => definition)).toEqual(expected === undefined ? [] : [expected])
    expect(table.size).toBe(expected === undefined ? 0 : 1)
  }
})

test('of two definitions with one revision the first stays', () => {
  const table = new DefinitionTable()
  table.add(record(1, 'first'), NOW)
  table.add(record(1, 'second'), NOW)
  expect(table.present('a')?.definition).toBe('first')
})

test('a removed id is found with its revision, and forgotten after the retention of the stream', () => {
  const table = new DefinitionTable()
  table.add(record(5, undefined), NOW)
  expect(table.find('a')).toEqual(record(5, undefined))
  table.add(record(1, undefined, 'b'), NOW + REMEMBERED_MS - 1)
  expect(table.find('a')?.revision).toBe(5)
  table.add(record(1, undefined, 'c'), NOW + REMEMBERED_MS)
  expect(table.find('a')).toBeUndefined()
  expect(table.find('b')?.revision).toBe(1)
})
