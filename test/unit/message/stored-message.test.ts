import fc from 'fast-check'
import { expect, it } from 'vitest'
import { destinationText } from '../../../src/message/destination.js'
import { readyAt, type DelayedMessage } from '../../../src/message/delayed-message.js'
import { encodeEnvelope } from '../../../src/message/envelope.js'
import type { HeaderValue } from '../../../src/message/headers.js'
import { messageOf, tagOf, valueOf } from '../../../src/strategies/redis/entry.js'
import { decodeStored, encodeStored } from '../../../src/message/stored-message.js'
import { entryKey } from '../../../src/strategies/waiting-view.js'

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

it('keeps the bytes of a foreign producer', () => {
  const foreign = {
    ...message,
    headers: { digest: Buffer.from([1, 2, 250]), deep: [{ inner: Buffer.from('x') }] } as never,
    properties: { contentType: 'application/octet-stream', appId: 'other' },
  }
  expect(decodeStored(encodeStored(foreign))).toEqual(foreign)
})

it('keeps the further routing keys of a foreign message', () => {
  const foreign = { ...message, furtherKeys: ['second', 'third'], properties: {} }
  expect(decodeStored(encodeStored(foreign))).toEqual(foreign)
  expect(messageOf(valueOf(foreign, tagOf(foreign)))).toEqual(foreign)
})

it.each([{}, undefined])('keeps headers that look like its own encodings (properties: %j)', (properties) => {
  const shaped = {
    'dueque:bytes': 'a name',
    value: { 'dueque:bytes': 'AAAA' },
    escaped: [{ 'dueque:=bytes': 'AAAA' }, { 'dueque:==bytes': { 'dueque:bytes': 1 } }],
    both: { 'dueque:bytes': 'AAAA', other: 'dueque:bytes' },
  }
  const own = { ...message, headers: shaped, ...(properties && { properties }) }
  expect(decodeStored(encodeStored(own))).toEqual(own)
})

it('reads bytes written by earlier versions', () => {
  const { meta, body } = encodeStored(message)
  const earlier = meta.replace('"tenant":"a"', '"digest":{"dueque:bytes":"AQI="}')
  expect(decodeStored({ meta: earlier, body }).headers['digest']).toEqual(Buffer.from([1, 2]))
})

it('refuses messages of a later version', () => {
  const { meta, body } = encodeStored(message)
  const later = { meta: meta.replace('"format":1', '"format":2'), body }
  expect(() => decodeStored(later)).toThrow('format 2')
})

const stored = JSON.parse(encodeStored(message).meta) as Record<string, unknown>
const body = Buffer.from('1')

it.each([
  ['null', null],
  ['a list', []],
  ['nothing else', { format: 1 }],
  ['no destination', { ...stored, destination: undefined }],
  ['a destination that is null', { ...stored, destination: null }],
  ['a destination without a name', { ...stored, destination: {} }],
  ['two destinations', { ...stored, destination: { queue: 'q', exchange: 'e' } }],
  ['an id that is a number', { ...stored, id: 7 }],
  ['headers that are a list', { ...stored, headers: [] }],
  ['headers that are null', { ...stored, headers: null }],
  ['a due time that is a text', { ...stored, dueAt: '1' }],
  ['a due time beyond all dates', { ...stored, dueAt: 1e300 }],
  ['a revision that is no whole number', { ...stored, revision: 1.5 }],
  ['a retry that is an object', { ...stored, retryAt: {} }],
  ['properties that are a text', { ...stored, properties: 'x' }],
])('%s is refused as a message', (_, meta) => {
  expect(() => decodeStored({ meta: JSON.stringify(meta), body })).toThrow()
})

/** All steps of a relay before the broker has the message. */
function use(read: () => DelayedMessage): void {
  let one: DelayedMessage
  try {
    one = read()
  } catch {
    return
  }
  expect(typeof entryKey(one) + typeof destinationText(one.destination)).toBe('stringstring')
  expect(readyAt(one)).not.toBeNaN()
  expect(encodeEnvelope(one)).toBeTypeOf('object')
  expect(new Date(readyAt(one)).getTime()).not.toBeNaN()
}

it('any content is either a message or an error, in both forms', () => {
  const field = fc.constantFrom(...Object.keys({ ...stored, retryAt: 1, properties: 1, routingKey: 1, rescues: 1 }))
  const changes = fc.dictionary(field, fc.jsonValue())
  const bytes = fc.uint8Array({ maxLength: 60 })
  fc.assert(
    fc.property(changes, fc.jsonValue(), bytes, (some, any, junk) => {
      use(() => decodeStored({ meta: JSON.stringify({ ...stored, ...some }), body }))
      use(() => decodeStored({ meta: JSON.stringify(any), body }))
      const [to, name, id, dueAt, revision] = ['queue:q', 'n', 'i', 1, 1000]
      const values = [[1, to, name, id, dueAt, revision, some], [1, to, name, id, dueAt, revision, any], any]
      for (const value of values) use(() => messageOf(Buffer.from(`12345678${JSON.stringify(value)}\nbody`)))
      use(() => messageOf(junk))
    }),
    { numRuns: 500 },
  )
})
