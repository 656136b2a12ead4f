import { expect, test } from 'vitest'
import { targetsOf, waitingSum, type TargetFacts } from '../../../../src/operate/status/target-status.js'

const [FIRST, LAST] = [Date.UTC(2035, 0, 1), Date.UTC(2035, 0, 9)]
const iso = (ms: number) => new Date(ms).toISOString()
const NOTHING: TargetFacts = {
  ...{
    queues: [],
    exchanges: [],
    only: [],
    counts: new Map(),
    denied: new Set(),
    existing: undefined,
    waiting: undefined,
  },
  ...{ dead: new Map(), oldestDead: new Map() },
}
const unknown = {
  messages: null,
  ready: null,
  waiting: null,
  nextAt: null,
  lastAt: null,
  dead: null,
  oldestDeadAt: null,
}

test('a target has what is known of it, and null for the rest', () => {
  const facts: TargetFacts = {
    ...NOTHING,
    queues: ['b', 'a', 'b', 'secret'],
    denied: new Set(['secret']),
    exchanges: ['clinic'],
    counts: new Map([['a', { messages: 3, ready: 1 }]]),
    dead: new Map([['a.dead', 2]]),
    oldestDead: new Map([['a.dead', new Date(FIRST)]]),
  }
  expect(targetsOf(facts)).toEqual([
    { target: 'exchange:clinic', exists: null, ...unknown },
    { target: 'queue:a', ...unknown, ...{ exists: true, messages: 3, ready: 1, dead: 2, oldestDeadAt: iso(FIRST) } },
    { target: 'queue:b', exists: false, ...unknown },
    { target: 'queue:secret', exists: null, ...unknown },
  ])
})

test('waiting messages add their targets, and those by an outlet count for its queue', () => {
  const waiting = [
    { destination: { queue: 'a' }, messages: 2, from: LAST, to: LAST },
    { destination: { queue: 'a', outlet: true }, messages: 1, from: FIRST, to: FIRST },
    { destination: { exchange: 'clinic' }, messages: 4, from: FIRST, to: LAST },
  ]
  const facts = { ...NOTHING, queues: ['idle'], existing: new Set(['clinic']), waiting }
  const times = { nextAt: iso(FIRST), lastAt: iso(LAST) }
  expect(targetsOf(facts)).toMatchObject([
    { target: 'exchange:clinic', exists: true, waiting: 4, ...times },
    { target: 'queue:a', exists: false, waiting: 3, ...times },
    { target: 'queue:idle', waiting: 0, nextAt: null, lastAt: null },
  ])
  expect(targetsOf({ ...facts, only: ['a', 'other'] })).toMatchObject([
    { target: 'queue:a', waiting: 3 },
    { target: 'queue:other', waiting: 0 },
  ])
  expect(waitingSum('journal', waiting)).toEqual({ source: 'journal', messages: 7, ...times })
  expect(waitingSum('redis', [])).toEqual({ source: 'redis', messages: 0, nextAt: null, lastAt: null })
})
