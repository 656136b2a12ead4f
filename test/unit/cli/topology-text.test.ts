import { expect, it } from 'vitest'
import { gapLines, isFault, verdictText } from '../../../src/cli/topology-text.js'
import type { Gap } from '../../../src/operate/topology/judge-part.js'

const rungs = (count: number, lazy?: true): Gap[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: 'queue',
    name: `rung-${i}`,
    change: 'missing',
    ...(lazy && { lazy }),
  }))
const deliver: Gap = { kind: 'exchange', name: 'dueque.v1.deliver', change: 'missing' }
const other: Gap = { kind: 'queue', name: 'q', change: 'differs', differences: ['x-message-ttl is 1, not 2'] }

it.each<[string, Gap[], string[]]>([
  ['nothing', [], ['complete']],
  ['one lazy rung', rungs(1, true), ['1 rung is missing: declared when first needed', 'everything else is there']],
  ['47 lazy rungs', rungs(47, true), ['47 rungs are missing: declared when first needed', 'everything else is there']],
  [
    'faults beside lazy rungs',
    [...rungs(2, true), deliver, other],
    [
      'missing exchange dueque.v1.deliver',
      'differs queue q: x-message-ttl is 1, not 2',
      '2 rungs are missing: declared when first needed',
      '1 missing: dueque topology apply with the same options declares them; 1 differs: delete each one when it is empty, and apply',
    ],
  ],
  [
    'seven alike',
    rungs(7),
    [
      ...rungs(5).map(({ name }) => `missing queue ${name}`),
      'and 2 more queues are missing (--json names all)',
      '7 missing: dueque topology apply with the same options declares them',
    ],
  ],
  [
    'six alike',
    rungs(6).slice(0, 6),
    [...rungs(6).map(({ name }) => `missing queue ${name}`), expect.any(String) as string],
  ],
])('%s', (_, gaps, lines) => {
  expect([...gapLines(gaps), verdictText(gaps, false)]).toEqual(lines)
})

it('a verdict on names alone says that they are there', () => {
  expect([verdictText([], true), verdictText(rungs(1, true), true)]).toEqual([
    'every name is there',
    'every other name is there',
  ])
})

it('only a lazy rung is no fault', () => {
  expect([rungs(1, true)[0]!, ...rungs(1), deliver, other].map(isFault)).toEqual([false, true, true, true])
})
