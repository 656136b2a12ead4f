import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  HEADER,
  checkHeaders,
  decodeEnvelope,
  encodeEnvelope,
  routingKeyOf,
  sentOn,
  withoutBrokerHeaders,
  type Arrived,
  type DelayedMessage,
} from '../../src/envelope.js'
import { isDuequeError } from '../../src/errors.js'
import { overTheWire } from './amqp-codec.js'
import { thrown } from './thrown.js'

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
        'dueque-attempt': 1,
        'dueque-to': 'queue:reminders',
        'dueque-version': 2,
      },
    })
  })

  it('hold the rest where it is given', () => {
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

  it('come back as what went in', () => {
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
    })
    fc.assert(
      fc.property(messages, (given) => {
        const { headers, messageId, type } = encodeEnvelope({ ...message, ...given })
        const { read } = overTheWire(headers)
        expect(decodeEnvelope(arrived(read, { messageId, type }))).toEqual({ ...given, headers: { tenant: 'a' } })
      }),
    )
  })

  it.each([
    [{ queue: 'q' }, 'q'],
    [{ exchange: 'e', routingKey: 'a.b' }, 'a.b'],
    [{ exchange: 'e' }, ''],
  ])('to %j have the routing key %j', (destination, key) => {
    expect(routingKeyOf(destination)).toBe(key)
  })
})

describe('what arrives', () => {
  it('from a foreign producer is read as far as it goes', () => {
    expect(decodeEnvelope(arrived({}))).toEqual({
      id: undefined,
      name: undefined,
      version: 1,
      dueAt: undefined,
      revision: undefined,
      attempt: 1,
      expiresAt: undefined,
      dedupeKey: undefined,
      rescues: 0,
      headers: {},
    })
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
    'forged as %o in every field is undefined, or what a foreign producer meant',
    (value) => {
      const numbers = [HEADER.due, HEADER.revision, HEADER.expires, HEADER.version, HEADER.attempt, HEADER.rescues]
      const headers = Object.fromEntries(numbers.map((name) => [name, value]))
      expect(decodeEnvelope(arrived(headers))).toEqual(decodeEnvelope(arrived({})))
    },
  )

  it.each(['', 5, null, {}, [], Uint8Array.of(1)])('forged as %o in every text is undefined', (value) => {
    const envelope = decodeEnvelope(arrived({ [HEADER.dedupe]: value }, { messageId: value, type: value }))
    expect(envelope).toEqual(decodeEnvelope(arrived({})))
  })

  it('with an attempt or a version of 0 counts as the first', () => {
    expect(decodeEnvelope(arrived({ [HEADER.attempt]: 0, [HEADER.version]: '0' }))).toMatchObject({
      attempt: 1,
      version: 1,
    })
  })

  it('with a due time that no Date can hold has none', () => {
    expect(decodeEnvelope(arrived({ [HEADER.due]: 8_640_000_000_000_001 })).dueAt).toBeUndefined()
  })

  const DEATHS = ['x-death', 'x-first-death-queue', 'x-last-death-reason', 'x-delivery-count', 'x-acquired-count']

  it('shows the producer its own headers, without those of dueque and the broker', () => {
    const own = { tenant: 'a', 'x-mine': 1, 'x-deathly': 2, traceparent: '00-…', CC: ['q'] }
    const theirs = [...DEATHS, ...Object.values(HEADER), 'dueque-whatever', 'DUEQUE-due', 'dq~x']
    const headers = { ...own, ...Object.fromEntries(theirs.map((name) => [name, 1])) }
    expect(decodeEnvelope(arrived(headers)).headers).toEqual(own)
  })

  it('loses on the way out again what a broker would take for its own deaths, and nothing else', () => {
    const kept = { a: 1, 'dueque-due': 5, 'x-mine': 2 }
    expect(withoutBrokerHeaders({ ...kept, ...Object.fromEntries(DEATHS.map((name) => [name, []])) })).toEqual(kept)
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

  it('with a header named __proto__ leaves the others alone', () => {
    const { headers } = decodeEnvelope(arrived(JSON.parse('{"__proto__":{"tenant":"forged"}}') as object as never))
    expect(headers['tenant']).toBeUndefined()
  })
})

describe('the headers of a caller', () => {
  it.each([
    [undefined, {}],
    [{}, {}],
    [{ a: undefined }, {}],
    [{ a: 'x', b: 0, c: -1.5, d: true, e: null, f: [1, ['x']], g: { h: { i: [] } } }, undefined],
    [{ 'x-mine': 1, cc: 'x', Bcc: 'x', 'x-match': 'all', 'dq-': 1, '': 1 }, undefined],
    [{ ['é'.repeat(127)]: 'x' }, undefined],
    [Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
  ])('are accepted: %j', (headers, checked) => {
    expect(checkHeaders(headers)).toEqual(checked ?? headers)
  })

  it.each(
    'CC|BCC|dq~|dq~30m|dueque-|dueque-due|DUEQUE-Due|x-death|x-first-death-queue|x-last-death-exchange|x-delivery-count'.split(
      '|',
    ),
  )('%s is refused as reserved', (name) => {
    expect(thrown(() => checkHeaders({ fine: 1, [name]: 1 }))).toMatchObject({ code: 'RESERVED_NAME', data: { name } })
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['again'] = { cyclic, list: [cyclic] }
  it.each<[string, unknown, string]>([
    ['not an object', 'x', 'headers'],
    ['null', null, 'headers'],
    ['a list', [], 'headers'],
    ['a function', { a: () => 1 }, 'headers.a'],
    ['a bigint', { a: 5n }, 'headers.a'],
    ['a symbol', { a: Symbol('s') }, 'headers.a'],
    ['NaN', { a: NaN }, 'headers.a'],
    ['Infinity', { a: [-Infinity] }, 'headers.a.0'],
    ['a Date', { a: new Date() }, 'headers.a'],
    ['bytes', { a: Uint8Array.of(1) }, 'headers.a'],
    ['undefined within', { a: { b: undefined } }, 'headers.a.b'],
    ['undefined in a list', { a: [undefined] }, 'headers.a.0'],
    ['the key that amqplib reads as a type', { a: { '!': 'timestamp', value: 5 } }, 'headers.a'],
    ['the same, further in', { a: [{ b: { '!': 1 } }] }, 'headers.a.0.b'],
  ])('%s is refused as INVALID_OPTION', (_, headers, option) => {
    expect(thrown(() => checkHeaders(headers))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })

  it('that go round in a circle or down too far are refused', () => {
    const nest = (depth: number) => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 'x')
    expect(thrown(() => checkHeaders(cyclic)).code).toBe('INVALID_OPTION')
    expect(thrown(() => checkHeaders({ a: nest(10_000) })).code).toBe('INVALID_OPTION')
    expect(() => checkHeaders({ a: nest(10) })).not.toThrow()
  })

  // What amqplib cannot write fails the publish with an error that names no header, or arrives as something else.
  it.each<[string, unknown]>([
    ['a list with holes', { a: Object.assign(Array<number>(3), { 0: 1, 2: 1 }) }],
    ['a number under −2⁶³', { a: -1e300 }],
    ['a fraction over 2⁵⁰', { a: 2 ** 50 + 0.5 }],
    ['a Map', { a: new Map([['k', 1]]) }],
    ['a Set', { a: new Set([1]) }],
    ['an ArrayBuffer', { a: new ArrayBuffer(8) }],
    ['an object with a prototype', { a: Object.create({ inherited: () => 1 }) as object }],
    ['__proto__', JSON.parse('{"__proto__":{"a":1}}')],
    ['__proto__ within', { a: JSON.parse('{"__proto__":{"a":1}}') as unknown }],
  ])('%s is refused, or arrives as it was', (_, headers) => {
    expect(arrivesAsItWas(headers)).toBe(true)
  })

  it('whatever they are, are refused with a DuequeError, or arrive as they were', () => {
    const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.integer(), fc.boolean(), fc.anything())
    const names = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('CC', 'dueque-due', 'dq~x', '!', 'x-death'))
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(leaf, fc.array(leaf), fc.dictionary(names, leaf))), arrivesAsItWas),
      { numRuns: 500 },
    )
  })

  it.each([
    ['a long text', { a: 'x'.repeat(49_152) }],
    ['a long text of many bytes', { a: '日'.repeat(17_000) }],
    ['many', Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`name-${i}`, true]))],
    ['many within', { a: Array<number>(6000).fill(1) }],
  ])('too large altogether are refused: %s', (_, headers) => {
    const error = thrown(() => checkHeaders(headers))
    expect(error).toMatchObject({ code: 'HEADERS_TOO_LARGE', data: { maxBytes: 49_152 } })
    expect((error.data as { bytes: number }).bytes).toBeGreaterThan(49_152)
  })

  it('are counted with no less than what they take on the wire', () => {
    const values = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(
          fc.string().filter((name) => name !== '!' && name !== '__proto__'),
          tie('value'),
        ),
      ),
    })).value
    fc.assert(
      fc.property(values, (value) => {
        const { bytes } = overTheWire({ value })
        const rest = 'x'.repeat(49_152)
        const counted = thrown(() => checkHeaders({ value, rest })).data as { bytes: number }
        expect(counted.bytes - overTheWire({ rest }).bytes + 4).toBeGreaterThanOrEqual(bytes - 4)
      }),
    )
  })

  it.each([{ ['n'.repeat(256)]: 1 }, { ['é'.repeat(128)]: 1 }, { a: { ['n'.repeat(256)]: 1 } }])(
    'with a name over 255 bytes are refused',
    (headers) => {
      expect(thrown(() => checkHeaders(headers))).toMatchObject({ code: 'NAME_TOO_LONG', data: { bytes: 256 } })
    },
  )
})

/** Throws what is neither. */
function arrivesAsItWas(headers: unknown): boolean {
  let checked: object
  try {
    checked = checkHeaders(headers)
  } catch (error) {
    if (isDuequeError(error)) return true
    throw error
  }
  // −0 arrives as 0.
  const same = (value: unknown): unknown =>
    JSON.stringify(value, (_, inner: unknown) => (inner instanceof Map || inner instanceof Set ? [...inner] : inner))
  expect(same(overTheWire(checked).read)).toBe(same(checked))
  return true
}
