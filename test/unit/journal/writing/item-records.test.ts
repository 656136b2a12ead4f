import { expect, it } from 'vitest'
import { DuequeError } from '../../../../src/base/errors.js'
import { ItemRecords, type ItemRecord } from '../../../../src/journal/writing/item-records.js'
import type { RecordedPlan } from '../../../../src/journal/writing/recorded-plan.js'
import type { RecordWriter } from '../../../../src/log/record-batch.js'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { thrown } from '../../thrown.js'

const HOUR = 3_600_000
const items = [1, 2, 3].map((n) => ({ id: `id-${n}`, dueAt: HOUR + n }) as DelayedMessage)
const refusal = new DuequeError('BODY_TOO_LARGE', 'record', { bytes: 2, maxBytes: 1 })

/** The records of three messages that travel as one. */
function start({ tooLarge }: { tooLarge?: string } = {}) {
  const sent: { record: ItemRecord; writer: RecordWriter }[] = []
  const refused: ItemRecord[] = []
  const outcomes: unknown[] = []
  const asked: number[] = []
  let published = 0
  const records = new ItemRecords(items, {
    untilReady: (due) => void asked.push(due),
    encode: (message) => {
      if (message.id === tooLarge) throw refusal
      return { message, written: message.dueAt, due: message.dueAt, line: message.id, bytes: 4 }
    },
    send: (record, writer) => sent.push({ record, writer }),
    refuse: (record) => refused.push(record),
    published: () => published++,
  })
  const recorded = { recorded: (error?: unknown) => outcomes.push(error) } as unknown as RecordedPlan
  return { records, recorded, sent, refused, outcomes, asked, published: () => published }
}

it('writes a record of each item, and counts them as recorded when all are confirmed', () => {
  const { records, recorded, sent, outcomes, asked } = start()
  expect(records.untilReady()).toBeUndefined()
  expect(asked).toEqual([HOUR + 3])
  expect(records.write(recorded)).toBe(HOUR + 1)
  expect(sent.map(({ record }) => record.message)).toEqual(items)
  for (const { writer } of sent.slice(1)) writer.recorded()
  expect(outcomes).toEqual([])
  sent[0]!.writer.recorded()
  expect(outcomes).toEqual([undefined])
})

it('tells the first error, when each record has an outcome', () => {
  const { records, recorded, sent, outcomes } = start()
  records.write(recorded)
  const errors = [undefined, new Error('first'), new Error('second')]
  for (const [i, { writer }] of sent.entries()) writer.recorded(errors[i])
  expect(outcomes).toEqual([errors[1]])
})

it('writes none if one of them is too large', () => {
  const { records, recorded, sent, refused, published } = start({ tooLarge: 'id-2' })
  expect(thrown(() => records.write(recorded))).toBe(refusal)
  expect(sent).toEqual([])
  records.published(recorded, refusal)
  expect([refused, published()]).toEqual([[], 1])
})

it('takes the records of a batch back that was refused, and not of one whose outcome is unknown', () => {
  for (const outcome of ['refused', 'unknown'] as const) {
    const { records, recorded, sent, refused } = start()
    records.write(recorded)
    records.published(recorded, new DuequeError('PUBLISH_TIMEOUT', 'late', { waitedMs: 1 }, { outcome }))
    expect(refused).toEqual(outcome === 'refused' ? sent.map(({ record }) => record) : [])
  }
})
