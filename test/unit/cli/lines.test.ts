import { expect, test } from 'vitest'
import { parseJson } from '../../../src/cli/json.js'
import { linesOf, type Line } from '../../../src/cli/lines.js'

async function read(chunks: (string | Uint8Array)[], maxBytes?: number): Promise<Line[]> {
  async function* source() {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk))
  }
  const lines: Line[] = []
  for await (const line of linesOf(source(), maxBytes)) lines.push(line)
  return lines
}

test('lines are counted across chunks, and empty ones too', async () => {
  expect(await read(['a', 'b\n', '\n \nc\r\nd', 'e'])).toEqual([
    { number: 1, text: 'ab' },
    { number: 4, text: 'c' },
    { number: 5, text: 'de' },
  ])
  expect(await read([])).toEqual([])
})

test('a character may be split between two chunks; Unicode line separators do not end a line', async () => {
  const bytes = Buffer.from('"ü\u2028"\n')
  expect(await read([bytes.subarray(0, 2), bytes.subarray(2)])).toEqual([{ number: 1, text: '"ü\u2028"' }])
})

test('an unreadable line is reported by its number, and the next one is read', async () => {
  expect(await read(['ok\n', new Uint8Array([0xff, 0x0a]), '12345', '678', '9\n', 'next'], 8)).toEqual([
    { number: 1, text: 'ok' },
    { number: 2, problem: 'not UTF-8' },
    { number: 3, problem: '9 bytes, over the limit of 8' },
    { number: 4, text: 'next' },
  ])
})

test.each([
  ['{"a":9007199254740992}', { a: 9007199254740992 }],
  ['{"1234567890123456789":"\\"1234567890123456789"}', { '1234567890123456789': '"1234567890123456789' }],
  ['[0.12345678901234567890]', [0.12345678901234568]],
  ['1e300', 1e300],
])('%s is kept unchanged', (text, value) => {
  expect(parseJson(text)).toEqual(value)
})

test('numbers are searched only outside of strings, however long the strings are', () => {
  const pad = JSON.stringify('\\"1é'.repeat(1_000_000))
  expect(() => parseJson(`[${pad},1234567890123456]`)).not.toThrow()
  expect(() => parseJson(`[${pad},12345678901234567]`)).toThrow('the number 12345678901234567 ')
})

test.each(['{"a":9007199254740993}', '[-1234567890123456789]', '1e999', '{"a": tru}', ''])('%j is refused', (text) => {
  expect(() => parseJson(text)).toThrow()
})
