import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../../src/journal/journal-record.js'
import { LostMessages } from '../../../../src/operate/restore/lost-messages.js'

const LOST_AT = 1_000_000_000_000
const MINUTE = 60_000
const PLACE = { stream: 2, offset: 5, line: 0 }

function entry(id: string, fields: Partial<Entry['message']> & { written?: number } = {}): Entry {
  const { written = LOST_AT * 1000 - 5, ...message } = fields
  return {
    written,
    message: {
      id,
      name: 'test.note',
      version: 1,
      body: Buffer.from('{}'),
      destination: { queue: 'reminders' },
      dueAt: LOST_AT + MINUTE,
      scheduledAt: LOST_AT - MINUTE,
      expiresAt: undefined,
      revision: 7,
      attempt: 1,
      headers: {},
      priority: undefined,
      correlationId: undefined,
      dedupeKey: undefined,
      ...message,
    },
  }
}

const NONE = { cancelled: 0, refused: 0, present: 0, withoutBody: 0 }

describe('of the records of a journal', () => {
  test('a message that waited is claimed once, by the entry that counts', () => {
    const lost = new LostMessages(LOST_AT, 0)
    const [first, second] = [entry('a', { written: 1 }), entry('a', { written: 2 })]
    for (const one of [second, first, first]) lost.take(one, PLACE)
    lost.decide()
    expect(lost.size).toBe(1)
    expect([first, second, second].map((one) => lost.claim(one))).toEqual([false, true, false])
    expect(lost.skipped).toEqual(NONE)
  })

  test('a refusal takes away its own entry alone, whichever comes first', () => {
    const lost = new LostMessages(LOST_AT, 0)
    const [first, second] = [entry('a', { written: 1 }), entry('a', { written: 2 })]
    const refusal = (id: string, refused: number) => ({ id, refused, readyAt: LOST_AT + MINUTE })
    for (const one of [refusal('a', 2), first, second, entry('b', { written: 3 }), refusal('b', 3)])
      lost.take(one, PLACE)
    lost.decide()
    expect([second, first].map((one) => lost.claim(one))).toEqual([false, true])
    expect(lost.skipped).toEqual({ ...NONE, refused: 1 })
  })

  test('messages that were due, cancelled, replaced, present or without a body are left out', () => {
    const lost = new LostMessages(LOST_AT, 0)
    lost.cancel({ id: 'early', due: LOST_AT + MINUTE, revision: 7 }, LOST_AT - MINUTE)
    const here = entry('here')
    const all = [
      entry('due', { dueAt: LOST_AT }),
      entry('long ago', { dueAt: LOST_AT - 61 * MINUTE }),
      entry('early'),
      entry('late'),
      entry('moved', { revision: 8 }),
      entry('moved', { revision: 9, dueAt: LOST_AT + 2 * MINUTE }),
      here,
      entry('bare', { body: undefined }),
      entry('retry', { dueAt: LOST_AT - MINUTE, retryAt: LOST_AT + 1, attempt: 2 }),
    ]
    for (const one of all) lost.take(one, PLACE)
    lost.cancel({ id: 'late', due: undefined, upTo: 7 }, LOST_AT - MINUTE)
    lost.cancel({ id: 'moved', due: undefined, keep: 9 }, LOST_AT - MINUTE)
    lost.present(here)
    lost.decide()
    expect(all.filter((one) => lost.claim(one)).map(({ message: { id, revision } }) => [id, revision])).toEqual([
      ['moved', 9],
      ['retry', 7],
    ])
    expect(lost.skipped).toEqual({ cancelled: 3, refused: 0, present: 1, withoutBody: 1 })
    expect(lost.justBefore).toBe(1)
  })

  test('they are counted by destination, with their first and last time, and found in ranges of their streams', () => {
    const lost = new LostMessages(LOST_AT, 0)
    const clinic = { exchange: 'clinic', routingKey: 'a' }
    for (const [n, minutes] of [3, 1, 2].entries())
      lost.take(entry(`${n}`, { dueAt: LOST_AT + minutes * MINUTE }), { ...PLACE, offset: 10 + n })
    lost.take(entry('x', { destination: clinic }), { ...PLACE, stream: 0 })
    lost.decide()
    expect(lost.destinations).toEqual([
      { destination: { queue: 'reminders' }, messages: 3, from: LOST_AT + MINUTE, to: LOST_AT + 3 * MINUTE },
      { destination: { exchange: 'clinic' }, messages: 1, from: LOST_AT + MINUTE, to: LOST_AT + MINUTE },
    ])
    expect(lost.ranges()).toEqual([
      { stream: 0, first: 5, last: 5 },
      { stream: 2, first: 10, last: 12 },
    ])
    expect(lost.readyBy(LOST_AT + 2 * MINUTE)).toBe(3)
  })
})
