import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkHeaders } from '../../../src/message/headers.js'
import { isDuequeError } from '../../../src/base/errors.js'
import { overTheWire } from '../amqp/amqp-codec.js'
import { thrown } from '../thrown.js'

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

  it('with a cycle or too deep nesting are refused', () => {
    const nest = (depth: number) => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 'x')
    expect(thrown(() => checkHeaders(cyclic)).code).toBe('INVALID_OPTION')
    expect(thrown(() => checkHeaders({ a: nest(10_000) })).code).toBe('INVALID_OPTION')
    expect(() => checkHeaders({ a: nest(10) })).not.toThrow()
  })

  // A value that amqplib cannot write fails the publish with an error that names no header, or arrives changed.
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
  ])('%s is refused, or arrives unchanged', (_, headers) => {
    expect(arrivesAsItWas(headers)).toBe(true)
  })

  it('of any kind are refused with a DuequeError, or arrive unchanged', () => {
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
  ])('too large in total are refused: %s', (_, headers) => {
    const error = thrown(() => checkHeaders(headers))
    expect(error).toMatchObject({ code: 'HEADERS_TOO_LARGE', data: { maxBytes: 49_152 } })
    expect((error.data as { bytes: number }).bytes).toBeGreaterThan(49_152)
  })

  it('are counted with at least their size on the wire', () => {
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

/** Throws if it is neither. */
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
