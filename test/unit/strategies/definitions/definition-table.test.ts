import { expect, test } from 'vitest'
import { DefinitionTable } from '../../../../src/strategies/definitions/definition-table.js'
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

test('each record is answered with the one before it, also with that of a removed id', () => {
  const table = new DefinitionTable()
  const answers = [record(2, '2'), record(1, '1'), record(3, undefined), record(3, '3'), record(4, '4')].map((one) =>
    table.add(one, NOW),
  )
  expect(answers).toEqual([undefined, record(2, '2'), record(2, '2'), record(3, undefined), record(3, undefined)])
  expect(table.present('a')).toEqual(record(4, '4'))
})

test('a page tells where the next one begins', () => {
  const table = new DefinitionTable()
  for (const id of ['c', 'a', 'b', 'x']) table.add(record(1, '{}', id), NOW)
  table.add(record(2, undefined, 'b'), NOW)
  const page = (after: string | undefined, limit: number) => table.page({ idPrefix: '', after, limit })
  expect(page(undefined, 2)).toEqual({ records: [record(1, '{}', 'a'), record(1, '{}', 'c')], next: 'c' })
  expect(page('c', 1)).toEqual({ records: [record(1, '{}', 'x')], next: undefined })
  expect(page('x', 1)).toEqual({ records: [], next: undefined })
})
