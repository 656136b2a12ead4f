import { describe, expect, test } from 'vitest'
import { audit } from '../../../bench/soak/audit.js'
import { Books, type Stored, type Trouble } from '../../../bench/soak/books.js'
import { waitAfterMs, type Course, type Step } from '../../../bench/soak/course.js'
import type { Entry } from '../../../bench/soak/ledger.js'

const DUE = 10_000
const N = 7
const PRODUCER = 'producer-0.1'
const [A, B] = ['consumer-0.1', 'consumer-1.1'] as const

/** The records of message 7, which was scheduled at 5 s and due at 10 s. */
interface Story {
  steps?: Step[]
  expiresInMs?: number
  /** @default confirmed */
  answer?: 'confirmed' | 'refused' | 'unknown' | 'none'
  /** Process, attempt, start, and the end if it ended. */
  calls?: [process: string, attempt: number, start: number, end?: number][]
  stored?: Omit<Stored, 'n'>[]
  troubles?: Trouble[]
}

function auditOf({
  steps = ['return'],
  expiresInMs,
  answer = 'confirmed',
  calls = [],
  stored = [],
  troubles = [],
}: Story) {
  const books = new Books()
  books.troubles.push(...troubles)
  const enter = (process: string, entry: Entry) => books.enter(process, entry)
  enter(PRODUCER, { is: 'try', at: 5_000, n: N, due: DUE })
  if (answer === 'confirmed') enter(PRODUCER, { is: answer, at: 5_010, n: N })
  else if (answer !== 'none') enter(PRODUCER, { is: answer, at: 5_010, n: N, code: 'X' })
  for (const [process, attempt, at, end] of calls) {
    enter(process, { is: 'start', at, n: N, attempt, due: DUE })
    if (end !== undefined) enter(process, { is: 'end', at: end, n: N, attempt, step: steps[attempt - 1] ?? 'return' })
  }
  const course: Course = { to: { queue: 'q' }, delayMs: 0, handlerMs: 0, steps, expiresInMs }
  return audit(
    books,
    stored.map((one) => ({ n: N, ...one })),
    () => course,
  )
}

function faultsOf(story: Story): string[] {
  return auditOf(story).findings.map(({ fault }) => fault)
}

const dead = (reason: string | undefined, deadAt = 20_000) => ({ queue: 'q.dead', reason, deadAt })
const elsewhere = (queue: string) => ({ queue, reason: undefined, deadAt: undefined })
const killed = (process: string | undefined, from: number, to = from): Trouble => ({
  what: 'kill',
  from,
  to,
  ...(process !== undefined && { process }),
})
/** Time from the end of an attempt to the next one. */
const wait = (steps: Step[], attempt: number) =>
  waitAfterMs({ to: { queue: 'q' }, delayMs: 0, handlerMs: 0, steps, expiresInMs: undefined }, attempt)
const FLAKY: Step[] = ['throw', 'return']
const TWICE: Story['calls'] = [
  [A, 1, DUE, 10_010],
  [A, 1, 10_050, 10_060],
]
const AGAIN = 10_010 + wait(FLAKY, 1)

describe('finds nothing wrong with', () => {
  const fine: [string, Story][] = [
    ['one that was handled when it was due', { calls: [[A, 1, DUE, 10_010]] }],
    ['one that was never confirmed and never came', { answer: 'none' }],
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
    ['a planned death', { steps: ['dead-letter'], calls: [[A, 1, DUE, 10_010]], stored: [dead('dead-lettered')] }],
    ['one that expired in its time', { expiresInMs: 5, stored: [dead('expired', DUE + 5)] }],
    ['one that came before it could expire', { expiresInMs: 5, calls: [[A, 1, DUE, 10_010]] }],
    ['one that is parked', { stored: [elsewhere('dueque.v1.parked')] }],
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
      { steps: ['dead-letter'], calls: TWICE, stored: [dead('dead-lettered')], troubles: [killed(A, 10_020)] },
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
      'two deaths, of two calls',
      {
        steps: ['dead-letter'],
        calls: [
          [A, 1, DUE, 10_010],
          [B, 1, 10_050, 10_060],
        ],
        stored: [dead('dead-lettered', 10_011), dead('dead-lettered', 10_061)],
        troubles: [killed(A, 10_020)],
      },
    ],
  ]
  test.each(fine)('%s', (_, story) => {
    expect(auditOf(story).findings).toEqual([])
  })
})

describe('finds', () => {
  const wrong: [string, string[], Story][] = [
    ['a message that nobody has', ['lost'], {}],
    ['one that was handed out and never ended', ['lost'], { calls: [[A, 1, DUE]] }],
    [
      'an unconfirmed one that came once and not again',
      ['lost'],
      { answer: 'none', steps: FLAKY, calls: [[A, 1, DUE, 10_010]] },
    ],
    ['one whose retry never came', ['lost'], { steps: FLAKY, calls: [[A, 1, DUE, 10_010]] }],
    ['one that still waits', ['still waiting'], { stored: [elsewhere('dueque.v1.wait.1s')] }],
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
    ['an early expiry', ['early'], { expiresInMs: 5, stored: [dead('expired', DUE + 4)] }],
    ['one that was refused and came', ['refused, but arrived'], { answer: 'refused', calls: [[A, 1, DUE, 10_010]] }],
    ['a death that was not planned', ['wrong end'], { stored: [dead('handler-error')] }],
    ['a death by the broker', ['wrong end'], { steps: ['dead-letter'], stored: [dead(undefined)] }],
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
      { steps: ['dead-letter'], calls: TWICE, stored: [dead('dead-lettered')] },
    ],
    [
      'a copy when only a stranger was killed',
      ['unexplained copy'],
      {
        steps: ['dead-letter'],
        calls: TWICE,
        stored: [dead('dead-lettered')],
        troubles: [killed('consumer-2.1', 10_020)],
      },
    ],
    [
      'a copy before anything had happened',
      ['unexplained copy'],
      { steps: ['dead-letter'], calls: TWICE, stored: [dead('dead-lettered')], troubles: [killed(undefined, 10_051)] },
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
      'a message that is handled and dead',
      ['unexplained copy'],
      { expiresInMs: 5, calls: [[A, 1, DUE, 10_010]], stored: [dead('expired')] },
    ],
    [
      'a message that is handled and waits',
      ['unexplained copy'],
      { calls: [[A, 1, DUE, 10_010]], stored: [elsewhere('dueque.v1.wait.1s')] },
    ],
  ]
  test.each(wrong)('%s', (_, faults, story) => {
    expect(faultsOf(story)).toEqual(faults)
  })

  test('messages that were never scheduled', () => {
    const books = new Books()
    books.enter(A, { is: 'start', at: 1, n: 1, attempt: 1, due: 1 })
    const { findings } = audit(books, [{ n: 2, ...dead('expired') }], () => expect.unreachable())
    expect(findings.map(({ n, fault }) => [n, fault])).toEqual([
      [1, 'never scheduled'],
      [2, 'never scheduled'],
    ])
  })
})

test('counts each confirmed message under one outcome, and copies by their cause', () => {
  const audited = auditOf({
    calls: [
      [A, 1, 10_003],
      [B, 1, 10_050, 10_060],
    ],
    troubles: [killed(A, 10_010)],
  })
  expect(audited.ends).toEqual({ handled: 1, dead: 0, parked: 0, 'still waiting': 0, lost: 0 })
  expect(audited.copies).toEqual(new Map([['kill', 1]]))
  expect(audited.lateness).toEqual([3])
  expect(audited.calls).toBe(2)
})
