import { describe, expect, test } from 'vitest'
import { check, type Rules } from '../../../scripts/checker/check.js'
import type { Expectation, Step } from '../../../scripts/checker/expectation.js'
import { History, type Kept, type Outcome, type Trouble } from '../../../scripts/checker/history.js'

const DUE = 10_000
const KEY = '7'
const PRODUCER = 'producer-0.1'
const [A, B] = ['consumer-0.1', 'consumer-1.1'] as const

/** The records of message 7, which was scheduled at 5 s and due at 10 s. */
interface Story extends Partial<Expectation> {
  /** @default confirmed */
  answer?: Outcome
  /** Process, attempt, start, and the end if it ended. */
  calls?: [process: string, attempt: number, start: number, end?: number][]
  kept?: Kept[]
  troubles?: Trouble[]
  rules?: Rules
}

const WAIT_MS = 500

function verdictOf({ answer = 'confirmed', calls = [], kept = [], troubles = [], rules, ...expected }: Story) {
  const history = new History()
  history.troubles.push(...troubles)
  history.tried(KEY, { process: PRODUCER, at: 5_000, due: DUE })
  history.settled(KEY, answer)
  for (const [process, attempt, at, end] of calls) {
    history.started(KEY, { process, attempt, at, due: DUE })
    if (end !== undefined) history.ended(KEY, { process, attempt, at: end })
  }
  for (const one of kept) history.found(KEY, one)
  return check(history, () => ({ steps: ['return'], waitAfterMs: () => WAIT_MS, ...expected }), rules)
}

function faultsOf(story: Story): string[] {
  return verdictOf(story).findings.map(({ fault }) => fault)
}

const dead = (reason: string | undefined, deadAt = 20_000): Kept => ({
  k: 0,
  is: 'dead',
  place: 'q.dead',
  reason,
  deadAt,
})
const parked: Kept = { k: 0, is: 'parked', place: 'dueque.v1.parked' }
const waiting: Kept = { k: 0, is: 'waiting', place: 'dueque.v1.wait.1s' }
const killed = (process: string | undefined, from: number, to = from): Trouble => ({
  what: 'kill',
  from,
  to,
  ...(process !== undefined && { process }),
})
const DEAD: Partial<Expectation> = { steps: ['dead-letter'], deadReason: 'dead-lettered' }
const EXPIRES: Partial<Expectation> = { expiresInMs: 5, deadReason: 'expired' }
const FLAKY: Step[] = ['throw', 'return']
const stopped = (process: string | undefined, from: number): Trouble => ({ ...killed(process, from), forgets: true })
/** Handled by one process, and then by another. */
const BOTH: Story['calls'] = [
  [A, 1, DUE, 10_010],
  [B, 1, 10_050, 10_060],
]
const TWICE: Story['calls'] = [
  [A, 1, DUE, 10_010],
  [A, 1, 10_050, 10_060],
]
const AGAIN = 10_010 + WAIT_MS

describe('finds nothing wrong with', () => {
  const fine: [string, Story][] = [
    ['one that was handled when it was due', { calls: [[A, 1, DUE, 10_010]] }],
    ['one that was never confirmed and never came', { answer: 'tried' }],
    ['one that was refused and never came', { answer: 'refused' }],
    ['one that was never confirmed and came', { answer: 'unknown', calls: [[A, 1, 10_001, 10_010]] }],
    [
      'a retry at its time',
      {
        steps: FLAKY,
        calls: [
          [A, 1, DUE, 10_010],
          [B, 2, AGAIN, AGAIN + 5],
        ],
      },
    ],
    ['a planned death', { ...DEAD, calls: [[A, 1, DUE, 10_010]], kept: [dead('dead-lettered')] }],
    ['one that expired in its time', { ...EXPIRES, kept: [dead('expired', DUE + 5)] }],
    ['one that came before it could expire', { ...EXPIRES, calls: [[A, 1, DUE, 10_010]] }],
    ['one that is parked', { kept: [parked] }],
    [
      'a second call after its first process was killed',
      {
        calls: [
          [A, 1, DUE],
          [B, 1, 10_050, 10_060],
        ],
        troubles: [killed(A, 10_005)],
      },
    ],
    [
      'a copy in another process after a node was killed while it waited',
      {
        calls: [
          [A, 1, DUE, 10_010],
          [B, 1, 10_050, 10_060],
        ],
        troubles: [killed(undefined, 6_000, 9_000)],
      },
    ],
    [
      'a copy in one process that was cut off between',
      { ...DEAD, calls: TWICE, kept: [dead('dead-lettered')], troubles: [killed(A, 10_020)] },
    ],
    [
      'a copy in another process',
      {
        calls: [
          [A, 1, DUE, 10_010],
          [B, 1, 10_050, 10_060],
        ],
      },
    ],
    [
      'a copy after a process was killed before it told the dedupe store',
      { isDeduped: true, calls: BOTH, troubles: [stopped(A, 10_011)] },
    ],
    [
      'a copy after a dedupe store was killed',
      { isDeduped: true, calls: BOTH, troubles: [stopped(undefined, 10_011)] },
    ],
    [
      'a copy for a foreign handler, of a fault in a process on its way',
      { isForeign: true, via: 'gate', calls: TWICE, troubles: [killed('gate-1', 9_000)] },
    ],
    [
      'a dead message that an operator sent back',
      {
        steps: ['dead-letter', 'return'],
        calls: [
          [A, 1, DUE, 10_010],
          [A, 2, AGAIN, AGAIN + 5],
        ],
      },
    ],
    [
      'two deaths, of two calls',
      {
        ...DEAD,
        calls: [
          [A, 1, DUE, 10_010],
          [B, 1, 10_050, 10_060],
        ],
        kept: [dead('dead-lettered', 10_011), dead('dead-lettered', 10_061)],
        troubles: [killed(A, 10_020)],
      },
    ],
  ]
  test.each(fine)('%s', (_, story) => {
    expect(verdictOf(story).findings).toEqual([])
  })
})

describe('finds', () => {
  const wrong: [string, string[], Story][] = [
    ['a message that nobody has', ['lost'], {}],
    ['one that was handed out and never ended', ['lost'], { calls: [[A, 1, DUE]] }],
    [
      'an unconfirmed one that came once and not again',
      ['lost'],
      { answer: 'tried', steps: FLAKY, calls: [[A, 1, DUE, 10_010]] },
    ],
    ['one whose retry never came', ['lost'], { steps: FLAKY, calls: [[A, 1, DUE, 10_010]] }],
    ['one that still waits', ['still waiting'], { kept: [waiting] }],
    ['a millisecond', ['early'], { calls: [[A, 1, DUE - 1, 10_010]] }],
    [
      'a millisecond before a retry',
      ['early'],
      {
        steps: FLAKY,
        calls: [
          [A, 1, DUE, 10_010],
          [A, 2, AGAIN - 1, AGAIN],
        ],
      },
    ],
    ['an early expiry', ['early'], { ...EXPIRES, kept: [dead('expired', DUE + 4)] }],
    ['one that was refused and came', ['unexpected'], { answer: 'refused', calls: [[A, 1, DUE, 10_010]] }],
    ['a death that was not planned', ['wrong end'], { kept: [dead('handler-error')] }],
    ['a death by the broker', ['wrong end'], { ...DEAD, kept: [dead(undefined)] }],
    [
      'one attempt too many',
      ['wrong attempt', 'wrong attempt'],
      {
        calls: [
          [A, 1, DUE, 10_010],
          [A, 3, 20_000, 20_001],
        ],
      },
    ],
    [
      'a copy in one process for no reason',
      ['unexplained copy'],
      { ...DEAD, calls: TWICE, kept: [dead('dead-lettered')] },
    ],
    [
      'a copy when only a stranger was killed',
      ['unexplained copy'],
      {
        ...DEAD,
        calls: TWICE,
        kept: [dead('dead-lettered')],
        troubles: [killed('consumer-2.1', 10_020)],
      },
    ],
    [
      'a copy before anything had happened',
      ['unexplained copy'],
      { ...DEAD, calls: TWICE, kept: [dead('dead-lettered')], troubles: [killed(undefined, 10_051)] },
    ],
    [
      'a copy in the process that had handled it, whatever happened',
      ['unexplained copy'],
      {
        calls: [
          [A, 1, DUE, 10_010],
          [A, 1, 10_050, 10_060],
        ],
        troubles: [killed(undefined, 10_020)],
      },
    ],
    [
      'a copy that a dedupe store should have suppressed, whatever happened to nodes',
      ['unexplained copy'],
      { isDeduped: true, calls: BOTH, troubles: [killed(undefined, 10_020), killed(A, 10_020), stopped(A, 9_000)] },
    ],
    [
      'a copy for a foreign handler without a fault',
      ['unexplained copy'],
      { isForeign: true, via: 'gate', calls: TWICE, troubles: [killed('another', 9_000)] },
    ],
    [
      'a message that is handled and dead',
      ['unexplained copy'],
      { ...EXPIRES, calls: [[A, 1, DUE, 10_010]], kept: [dead('expired')] },
    ],
    ['a message that is handled and waits', ['unexplained copy'], { calls: [[A, 1, DUE, 10_010]], kept: [waiting] }],
  ]
  test.each(wrong)('%s', (_, faults, story) => {
    expect(faultsOf(story)).toEqual(faults)
  })

  test('messages that were never scheduled', () => {
    const history = new History()
    history.handled('1', { process: A, at: 1 })
    history.found('2', dead('expired'))
    const verdict = check(history, () => expect.unreachable())
    expect(verdict.findings.map(({ key, fault }) => [key, fault])).toEqual([
      ['1', 'unexpected'],
      ['2', 'unexpected'],
    ])
    expect(verdict.unexpected).toBe(2)
  })
})

test('counts in the terms of a total queue, and copies by their cause', () => {
  const verdict = verdictOf({
    calls: [
      [A, 1, 10_003],
      [B, 1, 10_050, 10_060],
    ],
    troubles: [killed(A, 10_010)],
  })
  expect(verdict).toMatchObject({
    attempted: 1,
    acknowledged: 1,
    ok: 1,
    lost: 0,
    duplicated: 1,
    recovered: 0,
    calls: 2,
  })
  expect(verdict.ends).toMatchObject({ handled: 1, lost: 0 })
  expect(verdict.copies).toEqual(new Map([['kill', 1]]))
  expect(verdict.lateness).toEqual([3])
  expect(verdictOf({ answer: 'unknown', calls: [[A, 1, DUE, 10_010]] })).toMatchObject({
    acknowledged: 0,
    ok: 1,
    recovered: 1,
  })
  expect(verdictOf({})).toMatchObject({ acknowledged: 1, ok: 0, lost: 1 })
  expect(verdictOf({ answer: 'refused' })).toMatchObject({ attempted: 1, acknowledged: 0, ok: 0, lost: 0 })
})

test('a finding tells the story of its message', () => {
  const [finding] = verdictOf({ calls: [[A, 1, DUE]] }).findings
  expect(finding).toMatchObject({ key: KEY, fault: 'lost' })
  expect(finding!.text).toBe(
    'nobody has it; expected return; copy 0 confirmed by producer-0.1, tried at 5000, due 10000; ' +
      'attempt 1 of copy 0 in consumer-0.1 10000 to no end',
  )
})
