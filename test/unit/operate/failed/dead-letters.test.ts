import { expect, test } from 'vitest'
import { deadLetterOf, deadSentOn } from '../../../../src/operate/failed/dead-letters.js'
import { parkedSentOn } from '../../../../src/operate/failed/parked-messages.js'
import type { Arrived } from '../../../../src/message/envelope.js'

function stored(headers: Record<string, unknown>, routingKey = 'rooms'): Arrived {
  const properties = { messageId: 'a', type: 'note' }
  return { body: Buffer.from('{}'), properties, headers, exchange: '', routingKey, redelivered: false }
}

const time = { '!': 'timestamp', value: 1_770_000_000 }
const RUNG = { queue: 'dueque.v1.wait.30m', reason: 'expired', time: { '!': 'timestamp', value: 1 } }
const LIMIT = { queue: 'work', reason: 'delivery_limit', time, 'routing-keys': ['rooms'] }
const REASONS: [what: string, headers: Record<string, unknown>, reason: string, diedAt: number | undefined][] = [
  ["the consumer's", { 'dueque-dead-reason': 'expired', 'dueque-dead-at': 7 }, 'expired', 7],
  ["the consumer's before the broker's", { 'dueque-dead-reason': 'own', 'x-death': [LIMIT] }, 'own', 1_770_000_000_000],
  ["the broker's", { 'x-death': [LIMIT, RUNG] }, 'delivery-limit', 1_770_000_000_000],
  ["the work queue's, wherever it stands", { 'x-death': [RUNG, LIMIT] }, 'delivery-limit', 1_770_000_000_000],
  ['the last', { 'x-last-death-queue': 'work', 'x-last-death-reason': 'rejected' }, 'rejected', undefined],
  [
    'the first',
    { 'x-first-death-queue': 'work', 'x-first-death-reason': 'delivery_limit' },
    'delivery-limit',
    undefined,
  ],
  ['none but that of a rung', { 'x-death': [RUNG], 'x-first-death-queue': RUNG.queue }, 'unknown', undefined],
  ['nonsense', { 'x-death': [null, 7, {}], 'dueque-dead-reason': 7 }, 'unknown', undefined],
]

test.each(REASONS)('the reason is %s', (_, headers, reason, diedAt) => {
  expect(deadLetterOf(stored(headers), 'work')).toMatchObject({ reason, diedAt })
})

test('a message goes to an exchange with the key that routed it to its work queue', () => {
  const to = { exchange: 'clinic' }
  expect(deadSentOn(stored({}), 'work', to, 1).destination).toEqual({ exchange: 'clinic', routingKey: 'rooms' })
  const byBroker = stored({ 'x-death': [LIMIT] }, 'dq~queue~work.dead')
  expect(deadSentOn(byBroker, 'work', to, 1).destination).toEqual({ exchange: 'clinic', routingKey: 'rooms' })
})

test('a message returns to its work queue whatever dueque-to says, each time as the next attempt', () => {
  const reason = { 'dueque-dead-reason': 'handler-error' }
  const given = stored({ ...reason, 'dueque-to': 'exchange:clinic', 'dueque-revision': 41 })
  const once = deadSentOn(given, 'work', undefined, 1)
  expect(once).toMatchObject({ destination: { queue: 'work' }, revision: 41, attempt: 2 })
  expect(deadSentOn(stored(reason), 'work', undefined, 5)).toMatchObject({ revision: 5000, dueAt: 5 })
})

test('a message that the broker dead-lettered returns as the same attempt, with a fresh retry policy', () => {
  const first = deadSentOn(stored({ 'x-death': [LIMIT] }), 'work', undefined, 1)
  expect(first.attempt).toBe(1)
  expect(first.headers).not.toHaveProperty('dueque-prior-attempts')
  const third = deadSentOn(stored({ 'x-death': [LIMIT], 'dueque-attempt': 3 }), 'work', undefined, 1)
  expect(third).toMatchObject({ attempt: 3, headers: { 'dueque-prior-attempts': 2 } })
})

test('a batch returns to the queue for batches', () => {
  const limit = { ...LIMIT, queue: 'work.batches' }
  const batch = { 'dueque-items': 3, 'dueque-to': 'queue:work.batches' }
  const unread = stored({ ...batch, 'dueque-dead-reason': 'unreadable-batch' })
  expect(deadSentOn(unread, 'work', undefined, 1).destination).toEqual({ queue: 'work.batches' })
  const byBroker = stored({ ...batch, 'x-death': [limit] })
  expect(deadLetterOf(byBroker, 'work').reason).toBe('delivery-limit')
  expect(deadSentOn(byBroker, 'work', undefined, 1)).toMatchObject({
    destination: { queue: 'work.batches' },
    attempt: 1,
  })
})

test('a batch goes to no other queue, whether it is dead or parked', () => {
  const batch = stored({ 'dueque-items': 3, 'dueque-to': 'queue:work.batches' })
  const [own, other] = [{ queue: 'work.batches' }, { queue: 'work' }]
  const refusal = expect.objectContaining({
    code: 'INVALID_OPTION',
    message: 'to: expected no other destination than queue:work.batches for a batch, got "queue:work"',
  }) as Error
  expect(() => deadSentOn(batch, 'work', other, 1)).toThrow(refusal)
  expect(() => parkedSentOn(batch, other, 1)).toThrow(refusal)
  expect(() => deadSentOn(batch, 'work', { exchange: 'clinic' }, 1)).toThrow('queue:work.batches')
  expect(deadSentOn(batch, 'work', own, 1).destination).toEqual(own)
  expect(parkedSentOn(batch, own, 1).destination).toEqual(own)
})
