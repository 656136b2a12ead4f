import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routingKeyOf, type DelayedMessage } from '../../../src/message/delayed-message.js'
import { decodeEnvelope, encodeEnvelope, sentOn, type Arrived } from '../../../src/message/envelope.js'
import { HEADER, passedOn } from '../../../src/message/headers.js'
import { overTheWire } from '../amqp/amqp-codec.js'

const message: DelayedMessage = {
  id: 'appointment-42/24h',
  name: 'appointment.reminder',
  version: 2,
  body: new Uint8Array(),
  destination: { queue: 'reminders' },
  dueAt: 1_795_420_800_000,
  scheduledAt: 1_795_420_700_999,
  expiresAt: undefined,
  revision: 1_795_420_700_999_123,
  attempt: 1,
  headers: { tenant: 'a' },
  priority: undefined,
  correlationId: undefined,
  dedupeKey: undefined,
}

function arrived(headers: Record<string, unknown>, properties: Record<string, unknown> = {}): Arrived {
  return { body: new Uint8Array(), properties, headers, exchange: '', routingKey: '', redelivered: false }
}

describe('the properties and headers', () => {
  it('are those of the wire format', () => {
    expect(encodeEnvelope(message)).toEqual({
      messageId: 'appointment-42/24h',
      type: 'appointment.reminder',
      contentType: 'application/json',
      timestamp: 1_795_420_700,
      deliveryMode: 2,
      headers: {
        tenant: 'a',
        'dueque-due': 1_795_420_800_000,
        'dueque-revision': 1_795_420_700_999_123,
        'dueque-to': 'queue:reminders',
        'dueque-version': 2,
      },
    })
  })

  it('contain optional fields if given', () => {
    const whole = { ...message, expiresAt: 5, dedupeKey: 'k', priority: 0, correlationId: 'c' }
    const { headers, ...properties } = encodeEnvelope({
      ...whole,
      destination: { exchange: 'clinic', routingKey: 'r' },
    })
    expect(properties).toMatchObject({ priority: 0, correlationId: 'c' })
    expect(headers).toMatchObject({ 'dueque-expires': 5, 'dueque-dedupe': 'k', 'dueque-to': 'exchange:clinic' })
  })

  it('are a fresh object each time', () => {
    encodeEnvelope(message).headers['BCC'] = ['dq~30m']
    expect(encodeEnvelope(message).headers).not.toHaveProperty('BCC')
    expect(message.headers).toEqual({ tenant: 'a' })
  })

  it('are decoded to the message that was encoded', () => {
    const texts = fc.string({ minLength: 1, unit: 'grapheme' })
    const times = fc.integer({ min: 0, max: 8_640_000_000_000_000 })
    const messages = fc.record({
      id: texts,
      name: texts,
      version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      dueAt: times,
      revision: fc.maxSafeNat(),
      attempt: fc.integer({ min: 1, max: 1000 }),
      expiresAt: fc.option(times, { nil: undefined }),
      dedupeKey: fc.option(texts, { nil: undefined }),
      rescues: fc.nat(5),
      retryAt: fc.option(times, { nil: undefined }),
      firstFailedAt: fc.option(times, { nil: undefined }),
    })
    fc.assert(
      fc.property(messages, (given) => {
        const { headers, messageId, type } = encodeEnvelope({ ...message, ...given })
        const { read } = overTheWire(headers)
        expect(decodeEnvelope(arrived(read, { messageId, type }))).toEqual({
          ...given,
          priorAttempts: 0,
          headers: { tenant: 'a' },
        })
      }),
    )
  })

  it.each([
    [{ queue: 'q' }, 'q'],
    [{ exchange: 'e', routingKey: 'a.b' }, 'a.b'],
    [{ exchange: 'e' }, ''],
  ])('to %j have the routing key %j', (destination, key) => {
    expect(routingKeyOf({ destination })).toBe(key)
    expect(routingKeyOf({ destination, routingKey: 'kept' })).toBe('kept')
  })
})

describe('a received message', () => {
  it('from a foreign producer is read as far as possible', () => {
    expect(decodeEnvelope(arrived({}))).toEqual({
      id: undefined,
      name: undefined,
      version: 1,
      dueAt: undefined,
      revision: undefined,
      attempt: 1,
      priorAttempts: 0,
      retryAt: undefined,
      firstFailedAt: undefined,
      expiresAt: undefined,
      dedupeKey: undefined,
      rescues: 0,
      headers: {},
    })
  })

  it.each([
    [1, 2 ** 53 - 1, 0],
    [3, 3, 0],
    [4, 3, 3],
  ])('at attempt %d has at most the earlier attempts as prior ones: %d', (attempt, prior, expected) => {
    const headers = { [HEADER.attempt]: attempt, [HEADER.priorAttempts]: prior }
    expect(decodeEnvelope(arrived(headers)).priorAttempts).toBe(expected)
  })

  it.each([
    ['1795420800000', 1_795_420_800_000],
    [1_795_420_800_000, 1_795_420_800_000],
    [0, 0],
    ['007', 7],
  ])('%j is a number', (value, expected) => {
    expect(decodeEnvelope(arrived({ [HEADER.due]: value })).dueAt).toBe(expected)
  })

  const nonsense = ['', 'soon', '-1', '1e3', '1.5', '99999999999999999', -1, 1.5, NaN, Infinity, 2 ** 53, null, true]
  it.each([...nonsense, {}, [], [5], { '!': 'timestamp', value: 5 }, Uint8Array.of(1)])(
    'forged as %o in every field has undefined fields, or the values of a foreign producer',
    (value) => {
      const numbers = [HEADER.due, HEADER.revision, HEADER.expires, HEADER.version, HEADER.attempt, HEADER.rescues]
      const headers = Object.fromEntries(numbers.map((name) => [name, value]))
      expect(decodeEnvelope(arrived(headers))).toEqual(decodeEnvelope(arrived({})))
    },
  )

  it.each(['', 5, null, {}, [], Uint8Array.of(1)])('forged as %o in every text has undefined fields', (value) => {
    const envelope = decodeEnvelope(arrived({ [HEADER.dedupe]: value }, { messageId: value, type: value }))
    expect(envelope).toEqual(decodeEnvelope(arrived({})))
  })

  it('with an attempt or a version of 0 counts as the first', () => {
    expect(decodeEnvelope(arrived({ [HEADER.attempt]: 0, [HEADER.version]: '0' }))).toMatchObject({
      attempt: 1,
      version: 1,
    })
  })

  it('with a due time outside the range of a Date has no due time', () => {
    expect(decodeEnvelope(arrived({ [HEADER.due]: 8_640_000_000_000_001 })).dueAt).toBeUndefined()
  })

  const DEATHS = ['x-death', 'x-first-death-queue', 'x-last-death-reason', 'x-delivery-count', 'x-acquired-count']

  it('has the headers of the producer, without those of dueque and the broker', () => {
    const own = { tenant: 'a', 'x-mine': 1, 'x-deathly': 2, traceparent: '00-…', CC: ['q'] }
    const theirs = [...DEATHS, ...Object.values(HEADER), 'dueque-whatever', 'DUEQUE-due', 'dq~x']
    const headers = { ...own, ...Object.fromEntries(theirs.map((name) => [name, 1])) }
    expect(decodeEnvelope(arrived(headers)).headers).toEqual(own)
  })

  it('is sent on without the death headers of the broker, and with all others', () => {
    const kept = { a: 1, 'dueque-due': 5, 'x-mine': 2 }
    expect(passedOn({ ...kept, ...Object.fromEntries(DEATHS.map((name) => [name, []])) })).toEqual(kept)
  })

  it('is sent on without CC and BCC headers', () => {
    const from = arrived({ own: 1, CC: ['dq~queue~victim'], BCC: ['dq~1s'], Cc: ['means nothing'] })
    const { headers } = sentOn(from, decodeEnvelope(from), { queue: 'q' }, 5000)
    expect(headers).toEqual({ own: 1, Cc: ['means nothing'] })
  })

  it('is sent on with the same id, revision, attempt and due time', () => {
    const { headers, ...properties } = encodeEnvelope({ ...message, priority: 1, correlationId: 'c', expiresAt: 5 })
    const from = arrived(
      { ...headers, 'x-death': [], 'dueque-later': 1 },
      { ...properties, expiration: '5', userId: 'u' },
    )
    const sent = encodeEnvelope(sentOn(from, decodeEnvelope(from), message.destination, message.dueAt + 9))
    const { timestamp, ...rest } = { ...properties, headers: { ...headers, 'dueque-later': 1 } }
    expect(sent).toMatchObject(rest)
    expect(sent.timestamp).toBe(timestamp)
    expect(sent).not.toHaveProperty('expiration')
    expect(sent).not.toHaveProperty('userId')
    expect(sent.headers).not.toHaveProperty('x-death')
  })

  it('from a foreign producer is sent on as due now, with its own properties', () => {
    const own = { contentType: 'text/plain', contentEncoding: 'gzip', replyTo: 'answers', appId: 'app', type: 'order' }
    const from = arrived({ tenant: 'a' }, own)
    const sent = sentOn(from, decodeEnvelope(from), { queue: 'q' }, 5000)
    expect(sent).toMatchObject({ dueAt: 5000, scheduledAt: 5000, revision: 5_000_000, attempt: 1, name: 'order' })
    expect(sent.id).not.toBe('')
    expect(encodeEnvelope(sent)).toMatchObject({ ...own, headers: { tenant: 'a' } })
  })

  it('with a header named __proto__ keeps the other headers', () => {
    const { headers } = decodeEnvelope(arrived(JSON.parse('{"__proto__":{"tenant":"forged"}}') as object as never))
    expect(headers['tenant']).toBeUndefined()
  })
})
