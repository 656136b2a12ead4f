import fc from 'fast-check'
import { HEADER } from '../../src/message/headers.js'
import { fields, fixed, long, type Bytes, type RawMessage } from '../support/raw-publisher.js'

/** Where a hostile message is sent to. */
export interface Targets {
  queue: string
  /** A fanout to that queue. */
  exchange: string
  unroutable: string
}

const BATCH = 500
const DAY_MS = 86_400_000

/** Yields `count` messages, the same for the same seed, without keeping all in memory. */
export function* hostileMessages(count: number, seed: number, targets: Targets): Generator<RawMessage[]> {
  const arbitrary = messages(targets)
  for (let done = 0; done < count; done += BATCH) {
    yield fc.sample(arbitrary, { numRuns: Math.min(BATCH, count - done), seed: seed + done })
  }
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const tagged = (tag: string, length: number) => bytes(length).map((content) => fixed(tag, ...content))

function int64(value: number): Bytes {
  const content = Buffer.alloc(8)
  content.writeBigInt64BE(BigInt(value))
  return fixed('l', ...content)
}

function double(value: number): Bytes {
  const content = Buffer.alloc(8)
  content.writeDoubleBE(value)
  return fixed('d', ...content)
}

function float(value: number): Bytes {
  const content = Buffer.alloc(4)
  content.writeFloatBE(value)
  return fixed('f', ...content)
}

function nested(depth: number, tag: 'A' | 'F'): Bytes {
  let inner: Bytes = Buffer.alloc(0)
  for (let i = 0; i < depth; i++) inner = tag === 'A' ? long('A', inner) : fields([['', long('F', inner)]])
  return tag === 'A' ? inner : long('F', inner)
}

const bothWays = (depth: number) => [nested(depth, 'A'), nested(depth, 'F')]
const text = (value: string) => long('S', value)
const finite = { noNaN: true, noDefaultInfinity: true } as const

/** Every type that RabbitMQ accepts from a producer. For a NaN or an infinity it closes the connection. */
const leaf: fc.Arbitrary<Bytes> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).map(text),
  fc.constantFrom('x'.repeat(3000), '', '\u0000', '\u001b[2J').map(text),
  // Mostly not UTF-8.
  fc.uint8Array({ maxLength: 40 }).map((content) => long('S', content)),
  fc.uint8Array({ maxLength: 40 }).map((content) => long('x', content)),
  fc.maxSafeInteger().map(int64),
  fc.double(finite).map(double),
  fc.float(finite).map(float),
  ...(['b', 'B', 't'] as const).map((tag) => tagged(tag, 1)),
  ...(['s', 'u'] as const).map((tag) => tagged(tag, 2)),
  ...(['I', 'i'] as const).map((tag) => tagged(tag, 4)),
  ...(['l', 'L', 'T'] as const).map((tag) => tagged(tag, 8)),
  tagged('D', 5),
  fc.constant(fixed('V')),
)

/** A table that amqplib would write as a typed value. */
const trap = fc
  .tuple(
    fc.constantFrom(
      'double',
      'float',
      'int64',
      'int8',
      'timestamp',
      'decimal',
      'object',
      'number',
      'boolean',
      'nothing',
    ),
    leaf,
  )
  .map(([type, value]) =>
    long(
      'F',
      fields([
        ['!', text(type)],
        ['value', value],
      ]),
    ),
  )

const fieldNames = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom('!', 'value', '__proto__', 'constructor', 'length', 'x-delay'),
)
const { value } = fc.letrec<{ value: Bytes }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    leaf,
    trap,
    fc.array(tie('value'), { maxLength: 3 }).map((values) => long('A', Buffer.concat(values))),
    fc.array(fc.tuple(fieldNames, tie('value')), { maxLength: 3 }).map((entries) => long('F', fields(entries))),
  ),
}))
/** Few tables are very deep: each costs the broker a tenth of a second whenever it forwards the message. */
const deep = fc.oneof(
  { weight: 99, arbitrary: fc.constantFrom(...[10, 31, 32, 33, 101].flatMap((depth) => bothWays(depth))) },
  { weight: 1, arbitrary: fc.constantFrom(...[3000, 8000].flatMap((depth) => bothWays(depth))) },
)

/** Far in the future or past, so that no message is held during the count. */
const instants = fc.oneof(
  fc.constantFrom(...[0, 1, -1, 2 ** 53 - 1, 8.64e15, 8.64e15 + 1].map(int64), double(1.5)),
  fc.constantFrom(...['1795420800000', '', 'soon'].map(text)),
  fc.integer({ min: -DAY_MS, max: 500 }).map((ms) => int64(Date.now() + ms)),
  fc.integer({ min: 1, max: 5000 }).map((days) => int64(Date.now() + days * DAY_MS)),
  value,
)
const numbers = fc.oneof(
  fc.constantFrom(...[0, 1, 2, 5, -1, 2 ** 53 - 1, 2 ** 31].map(int64), fixed('L', 0, 0, 0, 0, 0, 0, 0, 2)),
  fc.constantFrom(text('7'), text(''), long('A', ''), long('F', ''), fixed('V')),
  value,
)
const texts = fc.oneof(
  fc.constantFrom('queue:', 'exchange:', 'queue:elsewhere', 'exchange:amq.topic', 'queue:dq~q', '').map(text),
  fc.string({ unit: 'binary', maxLength: 60 }).map(text),
  value,
)
const keys = (known: readonly string[]) =>
  fc
    .array(fc.oneof(fc.constantFrom(...known), fc.string({ maxLength: 50 })), { maxLength: 3 })
    .map((list) => long('A', Buffer.concat(list.map(text))))
const forged = fc.record(
  {
    [HEADER.due]: instants,
    [HEADER.retryAt]: instants,
    [HEADER.expires]: instants,
    [HEADER.firstFailed]: instants,
    [HEADER.revision]: numbers,
    [HEADER.attempt]: numbers,
    [HEADER.priorAttempts]: numbers,
    [HEADER.version]: numbers,
    [HEADER.rescues]: numbers,
    [HEADER.to]: texts,
    [HEADER.dedupe]: texts,
    [HEADER.reason]: texts,
    BCC: keys(['dq~30m', 'dq~end~d', 'dq~queue~elsewhere']),
    CC: keys(['dq~1h']),
    'x-death': value,
    'x-first-death-reason': value,
    'x-delivery-count': numbers,
    deep,
  },
  { requiredKeys: [] },
)
const names = fc.oneof(
  fc.constantFrom('test.note', '').map((name) => Buffer.from(name)),
  fc.uint8Array({ maxLength: 60 }),
  bytes(255),
)
const properties = fc.record(
  {
    messageId: fc.oneof(
      fc.constantFrom('a', 'b').map((id) => Buffer.from(id)),
      names,
    ),
    type: names,
    contentType: names,
    contentEncoding: names,
    correlationId: names,
    replyTo: names,
    appId: names,
  },
  { requiredKeys: [] },
)
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((json) => Buffer.from(json)),
  fc.record({ n: fc.nat() }).map((good) => Buffer.from(JSON.stringify(good))),
  fc
    .constantFrom('['.repeat(100_000), '{"__proto__":{"n":1}}', '{"n":1e999}', '"\\ud800"')
    .map((json) => Buffer.from(json)),
)

function messages({ queue, exchange, unroutable }: Targets): fc.Arbitrary<RawMessage> {
  const ways = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ exchange: '', routingKey: queue }) },
    { weight: 1, arbitrary: fc.oneof(names, fc.constant('dq~1h')).map((routingKey) => ({ exchange, routingKey })) },
    { weight: 1, arbitrary: fc.constant({ exchange: '', routingKey: unroutable }) },
  )
  const headers = fc.oneof(
    forged.map((given) => fields(Object.entries(given))),
    fc.array(fc.tuple(fieldNames, value), { maxLength: 4 }).map(fields),
  )
  const rest = fc.record(
    { headers, timestamp: bytes(8), priority: fc.integer({ min: 0, max: 255 }), deliveryMode: fc.constantFrom(1, 2) },
    { requiredKeys: ['headers'] },
  )
  return fc
    .record({ way: ways, body: bodies, properties, rest })
    .map(({ way, body, properties, rest }) => ({ ...way, body, properties, ...rest }))
}
