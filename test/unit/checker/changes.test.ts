import { describe, expect, test } from 'vitest'
import { check } from '../../../scripts/checker/check.js'
import type { Expectation } from '../../../scripts/checker/expectation.js'
import { History, type Answer, type Kept, type Outcome, type Trouble } from '../../../scripts/checker/history.js'

const KEY = 'a'
const [PRODUCER, CONSUMER] = ['producer', 'consumer']
const DUE = 10_000
const MOVED_DUE = 12_000
const ANSWERED_AT = 6_000

/** Message a is scheduled, due at 10 s, and cancelled or rescheduled to 12 s at 6 s. */
interface Story extends Partial<Expectation> {
  /** The answer to the change. Missing: none is known. */
  answer?: Answer
  answeredAt?: number
  /** What became of the copy of a reschedule. Missing: it is cancelled. */
  moved?: Outcome
  /** Copy, start and attempt of each call. */
  calls?: [k: number, at: number, attempt?: number][]
  kept?: Kept[]
  troubles?: Trouble[]
}

function verdictOf({
  answer,
  answeredAt = ANSWERED_AT,
  moved,
  calls = [],
  kept = [],
  troubles = [],
  ...expected
}: Story) {
  const history = new History()
  history.troubles.push(...troubles)
  history.tried(KEY, { process: PRODUCER, at: 5_000, due: DUE })
  history.settled(KEY, 'confirmed')
  history.cancelling(KEY, { process: PRODUCER, askedAt: 5_900, below: moved ? 1 : Infinity })
  if (moved) {
    history.tried(KEY, { k: 1, process: PRODUCER, at: 5_900, due: MOVED_DUE })
    history.settled(KEY, moved, { k: 1 })
  }
  if (answer) history.answered(KEY, answer, answeredAt)
  for (const [k, at, attempt] of calls) history.handled(KEY, { k, process: CONSUMER, at, attempt })
  for (const one of kept) history.found(KEY, one)
  return check(history, () => ({ steps: ['return'], ...expected }))
}

/** A message that waits for its retry in a store. */
const IN_STORE: Story = { steps: ['throw', 'return'], cancelsRetries: true }
const FAR: Story = { stays: true, isListed: true }
const at = (is: Kept['is'], k = 0): Kept => ({ k, is, place: 'somewhere' })

describe('finds nothing wrong with', () => {
  const fine: [string, Story][] = [
    ['a cancelled message that nobody handles', { answer: 'cancelled' }],
    ['one that is handled, cancelled too late', { answer: 'too-late', calls: [[0, DUE]] }],
    ['one that is not handled, cancelled too late', { answer: 'too-late' }],
    ['one whose cancellation has no answer, handled', { calls: [[0, DUE]] }],
    ['one whose cancellation has no answer, not handled', {}],
    ['one that did not wait any more, handled', { answer: 'not-waiting', calls: [[0, DUE]] }],
    [
      'one without a due time, cancelled within the margin, handled',
      { answer: 'unknown', answeredAt: 9_001, calls: [[0, DUE]] },
    ],
    ['a moved message, handled at its new time', { answer: 'cancelled', moved: 'confirmed', calls: [[1, MOVED_DUE]] }],
    [
      'both copies of one that was moved too late',
      {
        answer: 'too-late',
        moved: 'confirmed',
        calls: [
          [0, DUE],
          [1, MOVED_DUE],
        ],
      },
    ],
    ['the old copy of a refused reschedule', { answer: 'refused', moved: 'refused', calls: [[0, DUE]] }],
    ['the old copy of a reschedule that nobody knows of', { moved: 'tried', calls: [[0, DUE]] }],
    ['the new copy of a reschedule that nobody knows of', { moved: 'tried', calls: [[1, MOVED_DUE]] }],
    ['a retry that a store cancels', { ...IN_STORE, answer: 'cancelled', answeredAt: 10_100, calls: [[0, DUE]] }],
    [
      'a retry that a store moves',
      {
        ...IN_STORE,
        answer: 'cancelled',
        answeredAt: 10_100,
        moved: 'confirmed',
        calls: [
          [0, DUE],
          [1, MOVED_DUE, 2],
        ],
      },
    ],
    [
      'a message far ahead, moved and listed',
      { ...FAR, answer: 'cancelled', moved: 'confirmed', kept: [at('waiting'), at('waiting', 1), at('listed', 1)] },
    ],
    ['one far ahead, cancelled and not listed', { ...FAR, answer: 'cancelled', kept: [at('waiting')] }],
    ['one far ahead whose cancellation has no answer', { ...FAR, kept: [at('waiting'), at('listed')] }],
  ]
  test.each(fine)('%s', (_, story) => {
    expect(verdictOf(story).findings).toEqual([])
  })
})

describe('finds', () => {
  const wrong: [string, string[], Story][] = [
    [
      'a retry that comes although it was cancelled',
      ['handled though cancelled'],
      {
        ...IN_STORE,
        answer: 'cancelled',
        answeredAt: 10_100,
        calls: [
          [0, DUE],
          [0, 10_600, 2],
        ],
      },
    ],
    [
      'a second attempt of a moved message without a first',
      ['wrong attempt'],
      { steps: ['throw', 'return'], answer: 'cancelled', moved: 'confirmed', calls: [[1, MOVED_DUE, 2]] },
    ],
    [
      'a handled message whose cancellation was answered',
      ['handled though cancelled'],
      { answer: 'cancelled', calls: [[0, DUE]] },
    ],
    [
      'a message that was handled before it was cancelled',
      ['handled though cancelled'],
      { answer: 'cancelled', answeredAt: 10_100, calls: [[0, DUE]] },
    ],
    [
      'one without a due time, cancelled in time',
      ['handled though cancelled'],
      { answer: 'unknown', answeredAt: 9_000, calls: [[0, DUE]] },
    ],
    ['a message that was not cancelled, and is not handled', ['lost'], { answer: 'refused' }],
    ['one that did not wait, and is not handled', ['lost'], { answer: 'not-waiting' }],
    [
      'the old copy of a moved message',
      ['handled though cancelled'],
      {
        answer: 'cancelled',
        moved: 'confirmed',
        calls: [
          [0, DUE],
          [1, MOVED_DUE],
        ],
      },
    ],
    ['a lost new copy', ['lost'], { answer: 'too-late', moved: 'confirmed', calls: [[0, DUE]] }],
    ['a reschedule that leaves neither copy', ['lost'], { moved: 'tried' }],
    [
      'a new copy that comes at the old time',
      ['early'],
      { answer: 'cancelled', moved: 'confirmed', calls: [[1, DUE]] },
    ],
    [
      'a copy of a refused reschedule',
      ['unexpected'],
      {
        answer: 'refused',
        moved: 'refused',
        calls: [
          [0, DUE],
          [1, MOVED_DUE],
        ],
      },
    ],
    ['a message far ahead that a list lacks', ['wrong list'], { ...FAR, answer: 'refused', kept: [at('waiting')] }],
    [
      'a message far ahead that is listed though cancelled',
      ['wrong list'],
      { ...FAR, answer: 'cancelled', kept: [at('waiting'), at('listed')] },
    ],
    [
      'a message far ahead that is listed twice',
      ['wrong list'],
      { ...FAR, answer: 'refused', kept: [at('waiting'), at('listed'), at('listed')] },
    ],
    ['a listed message far ahead that is nowhere', ['lost'], { ...FAR, answer: 'refused', kept: [at('listed')] }],
  ]
  test.each(wrong)('%s', (_, faults, story) => {
    expect(verdictOf(story).findings.map(({ fault }) => fault)).toEqual(faults)
  })
})

describe('counts apart, beyond a documented limit,', () => {
  const clock = (process: string): Trouble => ({ what: 'clock', process, from: 5_500, to: 7_000, exceeds: 'clock' })
  const partition: Trouble = { what: 'partition', from: 5_500, to: 9_500, exceeds: 'partition' }
  const limits: [string, Story, [string, number][]][] = [
    [
      'an early message whose producer had another clock',
      { answer: 'too-late', calls: [[0, DUE - 9]], troubles: [clock(PRODUCER)] },
      [['early: clock', 1]],
    ],
    [
      'a cancelled one that comes out of a partition',
      { answer: 'cancelled', calls: [[0, DUE]], troubles: [partition] },
      [['handled though cancelled: partition', 1]],
    ],
  ]
  test.each(limits)('%s', (_, story, apart) => {
    const verdict = verdictOf(story)
    expect(verdict.findings).toEqual([])
    expect([...verdict.apart]).toEqual(apart)
  })

  test('and nothing that another process, or a partition, does not explain', () => {
    const early: Story = { answer: 'too-late', calls: [[0, DUE - 9]] }
    for (const trouble of [clock('another'), partition]) {
      expect(verdictOf({ ...early, troubles: [trouble] }).early).toBe(1)
    }
    const before: Trouble = { ...partition, from: 1_000, to: 5_000 }
    expect(verdictOf({ answer: 'cancelled', calls: [[0, DUE]], troubles: [before] }).cancelled).toBe(1)
  })
})
