import fc from 'fast-check'
import { entryKey } from '../../src/strategies/waiting-view.js'
import { HORIZONS } from '../../src/log/horizons.js'

/** What no record of the hostile is about: the ids and queues of good messages begin otherwise. */
export const HOSTILE = 'hostile'

const DAY_MS = 86_400_000
const CHUNK = 500

/** Yields `count` values, the same for the same seed, without keeping all in memory. */
export function* hostile<T>(arbitrary: fc.Arbitrary<T>, count: number, seed: number): Generator<T> {
  for (let done = 0; done < count; done += CHUNK)
    yield* fc.sample(arbitrary, { numRuns: Math.min(CHUNK, count - done), seed: seed + done })
}

/** A record as the names of its fields, each with its value as JSON. */
type Fields = Readonly<Record<string, string>>

/** Values as JSON, some of which no writer of JSON makes. */
const values = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '{}', '[]', '""', '"x"', '{"queue":"","exchange":""}', '{"queue":[]}'),
  fc.constantFrom('0', '-0', '-1', '1.5', '1e999', '-1e999', '1e-7', '9007199254740991', '9007199254740993'),
  fc.constantFrom('8640000000000000', '8640000000000001', '-8640000000000000', '1e300', '18446744073709551615'),
  fc.constantFrom('"\\ud800"', '"\\u0000"', '"\\u001b[2J"', `"${'é'.repeat(200)}"`, `"${'x'.repeat(3000)}"`),
  fc.constantFrom('{"dueque:bytes":"%%%"}', '{"dueque:=bytes":1}', '{"__proto__":{"id":1}}', '{"toString":1}'),
  fc.constantFrom('['.repeat(200) + ']'.repeat(200), '{"a":'.repeat(200) + '1' + '}'.repeat(200)),
  fc.integer({ min: -DAY_MS, max: 40 * DAY_MS }).map((ms) => String(Date.now() + ms)),
  fc.json({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => JSON.stringify(text)),
)
const names = fc.constantFrom('__proto__', 'constructor', 'format', 'id', 'bytes', 'body', 'base64', 'refused', 'keep')

/** The fields of a good record, of which a few are changed, missing, twice or added. */
function near(good: fc.Arbitrary<Fields>): fc.Arbitrary<string> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.constantFrom('value', 'missing', 'twice', 'added'), names, values), {
    maxLength: 3,
  })
  return fc.tuple(good, changes).map(([fields, changed]) => {
    let entries = Object.entries(fields)
    for (const [place, how, name, value] of changed) {
      const at = place % Math.max(entries.length, 1)
      if (how === 'missing') entries = entries.filter((_, i) => i !== at)
      else if (how === 'added') entries.push([name, value])
      else if (how === 'twice' && entries[at]) entries.push([entries[at][0], value])
      else entries = entries.map((entry, i) => (i === at ? [entry[0], value] : entry))
    }
    return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`
  })
}

/** Bytes that are no JSON, or hardly. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      '',
      '\n',
      '{',
      '[]',
      'null',
      '"',
      '{"id":',
      '\u2028',
      '{}\r',
      '['.repeat(50_000),
      '{"a":'.repeat(50_000),
    )
    .map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
)

/** A text that was cut, or has bytes that are no UTF-8. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc.oneof(
    { weight: 8, arbitrary: text.map((whole) => Buffer.from(whole)) },
    {
      weight: 1,
      arbitrary: fc.tuple(text, fc.nat()).map(([whole, at]) => Buffer.from(whole).subarray(0, at % (whole.length + 1))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(text, fc.nat(), fc.integer({ min: 0x80, max: 0xff })).map(([whole, at, byte]) => {
        const bytes = Buffer.from(whole)
        if (bytes.length > 0) bytes[at % bytes.length] = byte
        return bytes
      }),
    },
    { weight: 2, arbitrary: noise },
  )
}

/** Up to four lines in one message of a stream. */
function lines(line: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.array(damaged(line), { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r\n', '\n\n'))
    .map(([all, end]) => Buffer.concat(all.flatMap((one) => [one, Buffer.from(end)])))
}

const ids = fc.nat(50).map((n) => JSON.stringify(`${HOSTILE}-${n}`))
const soon = fc.integer({ min: -DAY_MS, max: DAY_MS }).map((ms) => String(Date.now() + ms))
const revisions = fc.nat().map((n) => String(Date.now() * 1000 + n))

/** Bodies of messages of a stream, and the horizon of the stream. */
export interface HostileRecord {
  readonly body: Buffer
  readonly horizon: string
}

const horizons = fc.constantFrom(...HORIZONS.map(({ name }) => name))
const ofAnyHorizon = (body: fc.Arbitrary<Buffer>) => fc.record({ body, horizon: horizons })

export const cancellations: fc.Arbitrary<HostileRecord> = ofAnyHorizon(
  lines(
    near(
      fc
        .tuple(fc.constantFrom('revision', 'upTo', 'keep'), revisions, ids, soon)
        .map(([kind, revision, id, due]): Fields => ({ id, due, [kind]: revision })),
    ),
  ),
)

/** The fields of a message to a queue, as stores and journals have them. */
function message(queue: string): fc.Arbitrary<Fields> {
  return fc.record({ id: ids, dueAt: soon, revision: revisions }).map(({ id, dueAt, revision }) => ({
    format: '1',
    id,
    name: '"test.note"',
    version: '1',
    destination: JSON.stringify({ queue }),
    dueAt,
    scheduledAt: String(Date.now()),
    revision,
    attempt: '1',
    headers: '{}',
  }))
}

/** @param queue of the messages that the entries say are waiting */
export function journalEntries(queue: string): fc.Arbitrary<HostileRecord> {
  const entry = fc
    .tuple(message(queue), revisions)
    .map(([fields, written]): Fields => ({ ...fields, written, body: '"{\\"n\\":1}"' }))
  const refusal = fc
    .tuple(ids, revisions, soon)
    .map(([id, refused, readyAt]): Fields => ({ format: '1', id, refused, readyAt }))
  return ofAnyHorizon(lines(fc.oneof({ weight: 4, arbitrary: near(entry) }, { weight: 1, arbitrary: near(refusal) })))
}

/** Definitions of recurring messages as JSON: the times of good ones are a year apart. */
function definition(queue: string): fc.Arbitrary<string> {
  const good = soon.map((since): Fields => ({
    format: '1',
    name: '"test.note"',
    version: '1',
    to: JSON.stringify({ queue }),
    headers: '{}',
    everyMs: String(365 * DAY_MS),
    since,
    counted: '0',
    jitterMs: '0',
    catchUp: '"once"',
    catchUpWindowMs: '0',
    paused: 'false',
    payload: '{"n":1}',
  }))
  const byPattern = fc
    .tuple(good, fc.constantFrom('"0 0 30 2 *"', '"0 0 29 2 *"', '"* * *"', '"L L L L L"', '"0 0 1 1 * 2099"'))
    .map(([{ everyMs: _, ...fields }, cron]): Fields => ({ ...fields, cron, tz: '"Europe/Berlin"' }))
  return near(fc.oneof(good, byPattern))
}

export function definitions(queue: string): fc.Arbitrary<HostileRecord> {
  const record = fc
    .tuple(ids, revisions, definition(queue))
    .map(([id, revision, text]): Fields => ({ id, revision, definition: JSON.stringify(text) }))
  return lines(near(record)).map((body) => ({ body, horizon: '' }))
}

/** The id, revision and JSON of a definition, as a store has them. */
export function storedDefinitions(queue: string): fc.Arbitrary<{ id: string; revision: string; text: string }> {
  const id = fc.oneof(
    fc.nat(50).map((n) => `${HOSTILE}-${n}`),
    // As JSON would not write them.
    fc.constantFrom('\\u0068ostile', '\\', '"', 'hostile\\x', '\\u00', '\\ud800'),
    fc.string({ maxLength: 20 }),
    fc.nat(2000).map((n) => `\\u0068ostile-${n}`),
  )
  const text = fc.oneof(
    { weight: 4, arbitrary: definition(queue) },
    { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
  )
  return fc.record({ id, revision: fc.oneof(revisions, fc.constantFrom('0', '-1', '9007199254740993')), text })
}

/** Bodies of messages in the queue of ticks: ticks, bookmarks, greetings and noise. */
export const ticks: fc.Arbitrary<Buffer> = damaged(
  fc.oneof(
    {
      weight: 4,
      arbitrary: near(fc.tuple(ids, revisions, soon).map(([id, revision, time]): Fields => ({ id, revision, time }))),
    },
    { weight: 1, arbitrary: near(soon.map((repairedAt): Fields => ({ bookmark: 'true', repairedAt }))) },
    { weight: 1, arbitrary: near(fc.constant<Fields>({ hello: '"x"' })) },
  ),
)

/** Batches: their bodies, and what the header says that they hold. */
export interface HostileBatch {
  readonly body: Buffer
  readonly items: unknown
}

export function batches(queue: string): fc.Arbitrary<HostileBatch> {
  const item = fc.tuple(
    message(queue),
    fc.constantFrom('{"n":1}', '', '\n', '{"n":"x"}'),
    fc.constantFrom(0, 0, 0, 1, -1, 1e9),
  )
  const text = item.chain(([fields, body, wrong]) =>
    near(fc.constant<Fields>({ ...fields, bytes: String(Buffer.byteLength(body) + wrong) })).map(
      (line) => `${line}\n${body}`,
    ),
  )
  return fc
    .tuple(
      fc.array(damaged(text), { maxLength: 5 }),
      fc.constantFrom(0, 0, 0, 1, -1),
      fc.constantFrom(undefined, 'x', 2 ** 31, null),
    )
    .map(([all, wrong, other]) => ({
      body: Buffer.concat(all),
      items: wrong === 0 || other === undefined ? all.length + wrong : other,
    }))
}

/** A row of the table of messages. */
export interface HostileRow {
  readonly key: string
  readonly dueAt: string
  readonly readyAt: string
  readonly meta: string
  readonly body: Buffer
}

const bigints = fc.oneof(
  { weight: 5, arbitrary: soon },
  {
    weight: 1,
    arbitrary: fc.constantFrom('0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993'),
  },
)

/** @param queue that exists, for those that turn out to be messages */
export function rows(queue: string): fc.Arbitrary<HostileRow> {
  const meta = fc.oneof(
    { weight: 5, arbitrary: near(message(queue)) },
    { weight: 1, arbitrary: fc.string({ maxLength: 50 }) },
    { weight: 1, arbitrary: fc.json() },
  )
  return fc
    .record({
      meta,
      dueAt: bigints,
      readyAt: bigints,
      body: fc.uint8Array({ maxLength: 30 }),
      isKeyed: fc.boolean(),
      n: fc.uuid(),
    })
    .map(({ meta, body, isKeyed, n, ...times }) => ({
      ...times,
      key: (isKeyed && keyOf(meta)) || n,
      meta: storable(meta),
      body: Buffer.from(body),
    }))
}

/** As PostgreSQL's text takes it: without NUL, and without halves of surrogate pairs. */
export function storable(text: string): string {
  return Buffer.from(text.replaceAll('\0', ' ')).toString()
}

/** The key that would fit, so that some of them can be read. */
function keyOf(meta: string): string | undefined {
  try {
    return storable(entryKey(JSON.parse(meta) as never))
  } catch {
    return undefined
  }
}

/** An entry of Redis: its field, its value, and its score in the set of waiting messages. */
export interface HostileEntry {
  readonly field: Buffer
  readonly value: Buffer
  readonly score: string
}

/** @param queue that exists, for those that turn out to be messages */
export function entries(queue: string): fc.Arbitrary<HostileEntry> {
  const part = fc.constantFrom(
    '1',
    `"queue:${queue}"`,
    '"test.note"',
    `"${HOSTILE}"`,
    '{}',
    '[]',
    'null',
    '"queue:"',
    '7',
  )
  const array = fc
    .tuple(fc.array(fc.oneof(part, values, soon, revisions), { maxLength: 8 }))
    .map(([all]) => `[${all.join()}]`)
  const near = fc.tuple(ids, soon, revisions, values, fc.nat(6)).map(([id, dueAt, revision, value, at]) => {
    const good = ['1', `"queue:${queue}"`, '"test.note"', id, dueAt, revision, '{}']
    return `[${good.map((one, i) => (i === at ? value : one)).join()}]`
  })
  const bytes = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((one) => Buffer.from(one))
  const value = fc
    .tuple(bytes(8), damaged(fc.oneof(array, near)), fc.constantFrom('\n{"n":1}', '\n', ''))
    .map(([tag, meta, body]) => Buffer.concat([tag, meta, Buffer.from(body)]))
  const score = fc.oneof(
    { weight: 5, arbitrary: soon },
    { weight: 1, arbitrary: fc.constantFrom('-inf', '+inf', '1e300', '-1e300', '0.5', '9007199254740993') },
  )
  const field = fc.oneof(
    { weight: 5, arbitrary: bytes(14) },
    { weight: 1, arbitrary: bytes(22) },
    { weight: 1, arbitrary: bytes(3) },
  )
  return fc.record({ field, value: fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: noise }), score })
}
