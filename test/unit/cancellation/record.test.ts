import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { CancellationRecord } from '../../../src/cancellation/cancellation-record.js'
import { decodeRecords, encodeRecord } from '../../../src/cancellation/record.js'

const DUE = 1_795_977_600_000

function decoded(body: string | Buffer) {
  const errors: string[] = []
  const records = decodeRecords(Buffer.from(body), (error) => errors.push(error.message))
  return { records, errors }
}

const one = { id: 'a', revision: 5, due: DUE }

it.each([
  [one, `{"id":"a","revision":5,"due":${DUE}}`],
  [{ id: 'a', upTo: 5, due: undefined }, '{"id":"a","upTo":5}'],
  [{ id: 'a', keep: 5, due: DUE }, `{"id":"a","keep":5,"due":${DUE}}`],
] satisfies [CancellationRecord, string][])('a record is one line of JSON', (record, line) => {
  expect(JSON.parse(encodeRecord(record))).toEqual(JSON.parse(line))
  expect(decoded(line)).toEqual({ records: [record], errors: [] })
})

it('several records travel in one body, whatever their ids are', () => {
  const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => Buffer.from(text).toString())
  const record = fc.oneof(
    ...['revision', 'upTo', 'keep'].map((kind) =>
      fc.record({
        id,
        [kind]: fc.maxSafeNat(),
        due: fc.option(
          fc.maxSafeNat().map((n) => n % 8.64e15),
          { nil: undefined },
        ),
      }),
    ),
  )
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (list) => {
      const records = list as unknown as CancellationRecord[]
      expect(decoded(Buffer.from(records.map(encodeRecord).join('\n')))).toEqual({ records, errors: [] })
    }),
    { numRuns: 30 },
  )
})

it('ids of 255 bytes, with line ends, quotes and halves of surrogate pairs are written as AMQP writes them', () => {
  for (const id of ['é'.repeat(127), 'a\nb\r\n"c"\\\u2028', '\u0000', '👋', '\uFEFFbom']) {
    const line = encodeRecord({ ...one, id })
    expect(line).not.toContain('\n')
    expect(decoded(line).records).toEqual([{ ...one, id }])
  }
  const half = encodeRecord({ ...one, id: 'a\ud83d' })
  expect(decoded(half).records[0]?.id).toBe(Buffer.from('a\ud83d').toString())
})

it('an empty body has no records, and empty lines are none', () => {
  expect(decoded('')).toEqual({ records: [], errors: [] })
  const line = encodeRecord(one)
  expect(decoded(`\n${line}\n\n \r\n${line}\r\n`)).toEqual({ records: [one, one], errors: [] })
})

it('unknown fields are left out', () => {
  expect(decoded('{"id":"a","by":"Ann","revision":5,"v":2,"__proto__":{"upTo":9}}')).toEqual({
    records: [{ id: 'a', revision: 5, due: undefined }],
    errors: [],
  })
})

it.each([
  ['no JSON', 'hello'],
  ['half a record', '{"id":"a","revision":5'],
  ['two on a line', '{"id":"a","revision":5}{"id":"a","revision":5}'],
  ['a byte order mark', '\uFEFF{"id":"a","revision":5}'],
  ['null', 'null'],
  ['a number', '5'],
  ['a text', '"a"'],
  ['a list', '[{"id":"a","revision":5}]'],
  ['no id', '{"revision":5}'],
  ['an empty id', '{"id":"","revision":5}'],
  ['an id that is no text', '{"id":5,"revision":5}'],
  ['no kind', '{"id":"a","due":5}'],
  ['an unknown kind', '{"id":"a","from":5}'],
  ['two kinds', '{"id":"a","revision":5,"keep":6}'],
  ['three kinds', '{"id":"a","revision":5,"keep":6,"upTo":6}'],
  ['a kind that is null beside another', '{"id":"a","revision":5,"upTo":null}'],
  ['a revision that is null', '{"id":"a","revision":null}'],
  ['a revision in quotes', '{"id":"a","revision":"5"}'],
  ['a broken revision', '{"id":"a","revision":5.5}'],
  ['a negative revision', '{"id":"a","upTo":-1}'],
  ['a revision that no number holds', '{"id":"a","keep":9007199254740993}'],
  ['a due time in words', '{"id":"a","revision":5,"due":"2026-11-29T12:00:00Z"}'],
  ['a due time that is null', '{"id":"a","revision":5,"due":null}'],
  ['a negative due time', '{"id":"a","revision":5,"due":-1}'],
  ['a due time that no date holds', '{"id":"a","revision":5,"due":8640000000000001}'],
])('a line that is no record is reported, and the others are read: %s', (_, line) => {
  const { records, errors } = decoded(`${encodeRecord(one)}\n${line}\n${encodeRecord(one)}`)
  expect(records).toEqual([one, one])
  expect(errors).toHaveLength(1)
})

it('an error says what was expected, and what came', () => {
  expect(decoded('{"id":"a","revision":"5"}').errors).toEqual([
    'a cancellation record: expected a whole number from 0 as revision, got "5"',
  ])
})

it('random bytes are no records, and do no harm', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decoded(Buffer.from(bytes)).records).toEqual([])
    }),
  )
})
