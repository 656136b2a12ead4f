import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeRecord, encodeEntry, encodeRefusal } from '../../../src/journal/journal-record.js'
import type { DelayedMessage } from '../../../src/message/delayed-message.js'

const message: DelayedMessage = {
  id: 'ä→😀\0',
  name: 'order.timeout',
  version: 3,
  body: Buffer.from('{"text":"ü"}'),
  destination: { exchange: 'clinic', routingKey: 'a.b' },
  dueAt: 1_764_000_000_123,
  scheduledAt: 1_764_000_000_000,
  expiresAt: undefined,
  revision: 1_764_000_000_000_999,
  attempt: 2,
  retryAt: 1_764_000_100_000,
  headers: { tenant: 'a', 'dueque:odd': { 'dueque:bytes': 'text' } },
  priority: 4,
  correlationId: undefined,
  dedupeKey: 'd',
}

const written = 1_764_000_000_000_000

function roundTrip(one: DelayedMessage) {
  const line = encodeEntry(one, written, true)
  expect(line).not.toContain('\n')
  const record = decodeRecord(line)
  if (record.refused !== undefined) throw new Error('expected an entry')
  expect(record.written).toBe(written)
  const { body, ...rest } = record.message
  return { ...rest, body: Buffer.from(body!) }
}

it('an entry is read as it was written', () => {
  expect(roundTrip(message)).toEqual(message)
  expect(encodeEntry(message, written, true)).toMatch(
    /^\{"format":1,"written":1764000000000000,"id":"ä→😀\\u0000","body":/,
  )
})

it('every body is kept byte for byte', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const body = Buffer.from(bytes)
        expect(roundTrip({ ...message, body }).body.equals(body)).toBe(true)
      },
    ),
  )
})

it('the bytes of a foreign producer are kept', () => {
  const headers = { digest: Buffer.from([1, 2, 250]), deep: [{ inner: Buffer.from('x') }] } as never
  const foreign = { ...message, headers, properties: { appId: 'other' } }
  expect(roundTrip(foreign)).toEqual(foreign)
})

it('without bodies a record has none', () => {
  const record = decodeRecord(encodeEntry(message, written, false))
  expect(record).toMatchObject({ message: { id: message.id, body: undefined } })
})

it('an id is the one that consumers see', () => {
  expect(roundTrip({ ...message, id: 'half \ud800' }).id).toBe('half \ufffd')
})

it('a refusal names one entry', () => {
  const refusal = { id: 'a', refused: written, readyAt: 5 }
  expect(decodeRecord(encodeRefusal(refusal))).toEqual(refusal)
})

const valid = () => JSON.parse(encodeEntry(message, written, true)) as Record<string, unknown>
it.each([
  ['no JSON', '{"format":1'],
  ['no object', '7'],
  ['a later format', JSON.stringify({ ...valid(), format: 2 })],
  ['no number', JSON.stringify({ ...valid(), written: 'now' })],
  ['no destination', JSON.stringify({ ...valid(), destination: {} })],
  ['a body that is no text', JSON.stringify({ ...valid(), body: 7 })],
  ['a refusal without an id', '{"format":1,"refused":1,"readyAt":2}'],
])('%s is no record', (_, line) => {
  expect(() => decodeRecord(line)).toThrow()
})

it('fields that a later version adds are no fault', () => {
  expect(decodeRecord(JSON.stringify({ ...valid(), shade: 'blue' }))).toMatchObject({ written })
})
