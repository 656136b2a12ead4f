import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { batchKey } from '../../../../src/schedule/batching/batch-key.js'
import { endOfTurn, messageOf, messagesOf, NOW, startSender } from './sent.js'

const OPTIONS = { declare: false }
const keyOf = (fields: Partial<DelayedMessage>) => batchKey(messageOf(fields), OPTIONS, NOW)
const inMs = (delayMs: number) => ({ dueAt: NOW + delayMs })

it.each<[what: string, fields: Partial<DelayedMessage>]>([
  ['to an exchange', { destination: { exchange: 'e', routingKey: 'q' } }],
  ['to an outlet', { destination: { queue: 'q', outlet: true } }],
  ['that is due within a second', inMs(999)],
  ['that is overdue', inMs(-1)],
  ['with a body over 8 KiB', { body: Buffer.alloc(8 * 1024 + 1) }],
  ['with headers that make it larger than 8 KiB', { headers: { x: 'x'.repeat(8 * 1024) } }],
  ['to a queue whose name leaves no room', { destination: { queue: 'q'.repeat(230) } }],
])('a message %s goes on its own, at once', async (_, fields) => {
  const { sent, schedule } = startSender()
  const messages = messagesOf(2, fields)
  for (const message of messages) void schedule(message)
  expect(sent.map(({ message }) => message)).toEqual(messages)
  await endOfTurn()
  expect(sent).toHaveLength(2)
})

it('a message with a signal goes on its own, at once, with its signal', () => {
  const { sent, schedule } = startSender()
  const { signal } = new AbortController()
  void schedule(messageOf(), { declare: false, signal })
  expect(sent[0]!.options.signal).toBe(signal)
})

it('a message that is due in a second, or has a long name of its queue, may travel with others', () => {
  for (const fields of [inMs(1000), { destination: { queue: 'q'.repeat(229) } }])
    expect(keyOf(fields)).toEqual(expect.any(String))
})

it('messages of one batch are at most a second apart, and a quarter of the delay', () => {
  const delays = fc.integer({ min: 1000, max: 20_000 })
  fc.assert(
    fc.property(delays, delays, (one, other) => {
      if (keyOf(inMs(one)) !== keyOf(inMs(other))) return
      expect(Math.abs(one - other)).toBeLessThan(Math.min(1000, Math.min(one, other) / 4) + 1)
    }),
  )
})
