import { expect, test } from 'vitest'
import { Renewal } from '../../../../src/strategies/definitions/renewal.js'
import type { DefinitionRecord } from '../../../../src/strategies/recurring-definitions.js'

const DAY = 86_400_000
const NOW = 1_800_000_000_000
const definition = (revision: number, id = 'a'): DefinitionRecord => ({ id, revision, definition: String(revision) })
const removal = (revision: number, id = 'a'): DefinitionRecord => ({ id, revision, definition: undefined })

/** What is to be written again, with the records of a stream and their ages in days. */
function missing(written: [DefinitionRecord, number][], present: DefinitionRecord[]): DefinitionRecord[] {
  const renewal = new Renewal()
  for (const [record, days] of written) renewal.add(record, NOW - days * DAY)
  return [...renewal.missing(present, NOW)]
}

test.each<[string, [DefinitionRecord, number][], DefinitionRecord[], DefinitionRecord[]]>([
  ['nothing that is there', [[definition(1), 29.9]], [definition(1)], []],
  ['what is missing, as after the stream was deleted', [], [definition(1)], [definition(1)]],
  ['what is there with a smaller revision alone', [[definition(1), 1]], [definition(2)], [definition(2)]],
  ['what was last written 30 days ago', [[definition(1), 30]], [definition(1)], [definition(1)]],
  [
    'nothing that was written again meanwhile',
    [
      [definition(1), 80],
      [definition(1), 1],
    ],
    [definition(1)],
    [],
  ],
  ['nothing that has a greater revision in the stream', [[definition(2), 40]], [definition(1)], []],
  ['nothing that is removed in the stream', [[removal(2), 1]], [definition(1)], []],
  [
    'a definition behind which a smaller revision was written',
    [
      [definition(2), 1],
      [definition(1), 1],
    ],
    [definition(2)],
    [definition(2)],
  ],
  [
    'a removal behind which an older definition was written',
    [
      [removal(2), 1],
      [definition(1), 1],
    ],
    [],
    [removal(2)],
  ],
  [
    'no removal that was written again behind it',
    [
      [removal(2), 1],
      [definition(1), 1],
      [removal(2), 1],
    ],
    [],
    [],
  ],
  [
    'a definition after a removal that the stream has lost',
    [
      [definition(1), 9],
      [removal(2), 1],
    ],
    [definition(3)],
    [definition(3)],
  ],
  [
    'no removal that is behind its definitions',
    [
      [definition(1), 40],
      [removal(2), 40],
    ],
    [],
    [],
  ],
])('writes again %s', (_, written, present, expected) => {
  expect(missing(written, present)).toEqual(expected)
})
