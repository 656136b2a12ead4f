import { expect, test } from 'vitest'
import { decodeDefinitionLine, encodeDefinitionLine } from '../../../../src/strategies/definitions/definition-line.js'

const REVISION = 1_800_000_000_000_123

test.each([
  ['{"id":"daily","revision":1800000000000123,"definition":"{\\"cron\\":\\"0 9 * * *\\"}"}', '{"cron":"0 9 * * *"}'],
  ['{"id":"daily","revision":1800000000000123,"removed":true}', undefined],
])('a record is one line of JSON, as the wire format says: %s', (line, definition) => {
  const record = { id: 'daily', revision: REVISION, definition }
  expect(encodeDefinitionLine(record)).toBe(line)
  expect(decodeDefinitionLine(line)).toEqual(record)
})

test.each(['a\nb', '"', '\\', '\u0000', '\ud800', '__proto__', '\u2028'])(
  'an id and a definition travel as they are, in one line: %j',
  (text) => {
    const record = { id: text, revision: 0, definition: text }
    const line = encodeDefinitionLine(record)
    expect(line).not.toContain('\n')
    expect(decodeDefinitionLine(line)).toEqual(record)
  },
)

test('fields of later versions are left out of account', () => {
  const line = '{"id":"a","revision":1,"definition":"{}","by":"somebody"}'
  expect(decodeDefinitionLine(line)).toEqual({ id: 'a', revision: 1, definition: '{}' })
})

test.each([
  'no JSON',
  'null',
  '[]',
  '{}',
  '{"id":"","revision":1,"definition":"{}"}',
  '{"id":1,"revision":1,"definition":"{}"}',
  '{"id":"a","revision":-1,"definition":"{}"}',
  '{"id":"a","revision":1.5,"definition":"{}"}',
  '{"id":"a","revision":"1","definition":"{}"}',
  '{"id":"a","revision":1}',
  '{"id":"a","revision":1,"definition":{}}',
  '{"id":"a","revision":1,"definition":""}',
  '{"id":"a","revision":1,"removed":false}',
  '{"id":"a","revision":1,"definition":"{}","removed":true}',
])('anything else is no record: %s', (line) => {
  expect(() => decodeDefinitionLine(line)).toThrow()
})
