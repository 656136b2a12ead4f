import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DelayedMessage, HeaderValue } from '../../../src/envelope.js'
import { decodeStored, encodeStored } from '../../../src/strategies/stored-message.js'

const message: DelayedMessage = {
  id: 'ä→😀\0',
  name: 'order.timeout',
  version: 3,
  body: Buffer.from([0, 255, 10]),
  destination: { exchange: 'clinic', routingKey: 'a.b' },
  dueAt: 1_764_000_000_123,
  scheduledAt: 1_764_000_000_000,
  expiresAt: undefined,
  revision: 1_764_000_000_000_999,
  attempt: 2,
  retryAt: 1_764_000_100_000,
  headers: { tenant: 'a' },
  priority: undefined,
  correlationId: undefined,
  dedupeKey: undefined,
}

it('is read as it was written', () => {
  expect(decodeStored(encodeStored(message))).toEqual(message)
})

it('keeps any text and number of headers', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const headers = fc.dictionary(
    fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
    value,
  )
  fc.assert(
    fc.property(headers, (headers) => {
      const plain = { ...headers } as Record<string, HeaderValue>
      for (const key of Object.keys(plain)) if (Object.is(plain[key], -0)) plain[key] = 0
      expect(decodeStored(encodeStored({ ...message, headers: plain })).headers).toEqual(plain)
    }),
  )
})

it('keeps the bytes that a foreign producer has sent', () => {
  const foreign = {
    ...message,
    headers: { digest: Buffer.from([1, 2, 250]), deep: [{ inner: Buffer.from('x') }] } as never,
    properties: { contentType: 'application/octet-stream', appId: 'other' },
  }
  expect(decodeStored(encodeStored(foreign))).toEqual(foreign)
})

it('refuses what a later version has written', () => {
  const { meta, body } = encodeStored(message)
  const later = { meta: meta.replace('"format":1', '"format":2'), body }
  expect(() => decodeStored(later)).toThrow('format 2')
})
