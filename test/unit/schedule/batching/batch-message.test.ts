import { expect, it } from 'vitest'
import { encodeEnvelope } from '../../../../src/message/envelope.js'
import { batchMessage } from '../../../../src/schedule/batching/batch-message.js'
import { messageOf, NOW } from './sent.js'

it('a batch is due with the first of its items, and has its number, no name of theirs, and nothing that they have alone', () => {
  const alone = { correlationId: 'c', dedupeKey: 'd', expiresAt: NOW + 9_000_000, headers: { tenant: 'x' } }
  const items = [5, 2, 9].map((ms) => messageOf({ dueAt: NOW + 3_600_000 + ms, priority: 3, ...alone }))
  const batch = batchMessage(items, Buffer.from('body'), NOW)
  const { messageId, ...sent } = encodeEnvelope(batch)
  expect(sent).toEqual({
    type: 'dueque.batch',
    contentType: 'application/octet-stream',
    timestamp: NOW / 1000,
    deliveryMode: 2,
    priority: 3,
    correlationId: undefined,
    headers: {
      'dueque-items': 3,
      'dueque-due': NOW + 3_600_002,
      'dueque-revision': batch.revision,
      'dueque-to': 'queue:q.batches',
    },
  })
  expect(items.map(({ id }) => id)).not.toContain(messageId)
  expect(batch.revision).toBeGreaterThanOrEqual(NOW * 1000)
})
