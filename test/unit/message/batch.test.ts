import fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchQueue, decodeBatch, itemLine, queueOfBatches } from '../../../src/message/batch.js'
import type { DelayedMessage } from '../../../src/message/delayed-message.js'

const QUEUE = 'reminders'

function itemOf(id: string, body: Uint8Array): DelayedMessage {
  const revision = 1_764_000_000_000_999
  const times = { dueAt: 1_764_000_000_123, scheduledAt: 1_764_000_000_000, expiresAt: undefined }
  const rest = { headers: { tenant: 'ä\n' }, priority: undefined, correlationId: undefined, dedupeKey: undefined }
  return {
    id,
    name: 'reminder',
    version: 1,
    body,
    destination: { queue: QUEUE },
    ...times,
    revision,
    attempt: 1,
    ...rest,
  }
}

const batchOf = (...items: DelayedMessage[]) =>
  Buffer.concat(items.flatMap((item) => [Buffer.from(`${itemLine(item)}\n`), item.body]))

it('is read as it was written, byte for byte', () => {
  const item = fc.tuple(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 100 }))
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (given) => {
      const items = given.map(([id, body]) => itemOf(id, Buffer.from(body)))
      expect(decodeBatch(batchOf(...items), items.length, QUEUE)).toEqual(items)
    }),
  )
})

const [one, two] = [itemOf('one', Buffer.from('{}\n')), itemOf('two', Buffer.alloc(0))]

it.each([
  ['no items', batchOf(), 0, 'a batch of 0 items'],
  ['fewer items than the header says', batchOf(one), 2, 'a batch of 1 items that should have 2'],
  ['a header that is no number', batchOf(one), '1', 'should have "1"'],
  ['a body that was cut', batchOf(two, one).subarray(0, -1), 2, 'item 2 of a batch: a body of 3 bytes'],
  ['a line that was cut', batchOf(one).subarray(0, 20), 1, 'item 1 of a batch: its line has no end'],
  ['a negative length', Buffer.from('{"bytes":-1,"format":1}\n'), 1, 'a body of -1 bytes'],
  ['no JSON', Buffer.from('reminder\n'), 1, 'JSON'],
  ['no object', Buffer.from('[]\n'), 1, 'expected an object'],
  ['a later format', Buffer.from('{"bytes":0,"format":2}\n'), 1, 'format 2: this version reads 1'],
])('refuses %s', (_, batch, count, text) => {
  expect(() => decodeBatch(batch, count, QUEUE)).toThrow(text)
})

it('refuses an item for another queue', () => {
  expect(() => decodeBatch(batchOf(one), 1, 'orders')).toThrow('not for the queue orders')
})

it('names the queue beside that of the items', () => {
  expect(queueOfBatches(batchQueue(QUEUE))).toBe(QUEUE)
  expect(['.batches', 'reminders', 'batches'].map(queueOfBatches)).toEqual([undefined, undefined, undefined])
})
