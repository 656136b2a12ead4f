import fc from 'fast-check'
import { expect, it } from 'vitest'
import { writable } from '../../../../src/amqp/publish/field-table.js'
import { fields, fixed, long } from '../../../support/raw-publisher.js'
import { decodeFields, overTheWire } from '../amqp-codec.js'
import { thrown } from '../../thrown.js'

it.each(['double', 'float', 'int64', 'timestamp', 'decimal', 'object', 'nothing'])(
  'writes a table with a field "!" of %s as a table',
  (type) => {
    const headers = { a: { '!': type, value: 'x' }, b: [{ '!': type, value: 1e300, more: { '!': type } }] }
    expect(overTheWire(writable(headers)).read).toEqual(headers)
  },
)

const trap = fields([
  ['!', long('S', 'double')],
  ['value', long('S', 'x')],
])
const typed = fields([
  ['!', long('S', 'timestamp')],
  ['value', fixed('b', 1)],
])

it.each([
  [long('x', 'bytes'), trap, { '!': 'double', value: 'x' }],
  [long('A', ''), trap, { '!': 'double', value: 'x' }],
  [long('F', trap), fields([['b', long('S', 'x')]]), { b: 'x' }],
  [long('F', typed), fields(['b', 'c'].map((name) => [name, long('F', trap)])), { b: trapRead(), c: trapRead() }],
])('is not misled by a field "__proto__" (%#)', (prototype, rest, read) => {
  const table = Buffer.concat([fields([['__proto__', prototype]]), rest])
  const headers = decodeFields(Buffer.from(fields([['a', long('F', table)]])))
  expect(overTheWire(writable(headers)).read).toEqual({ a: read })
})

function trapRead() {
  return { '!': 'double', value: 'x' }
}

it('writes timestamps, decimals and all other values that amqplib reads unchanged', () => {
  const headers = {
    at: { '!': 'timestamp', value: 1_795_420_800 },
    price: { '!': 'decimal', value: { places: 2, digits: 12_345 } },
    rest: [1, 2.5, 'x', true, null, Buffer.from('x'), { a: [{}] }],
  }
  expect(writable(headers)).toEqual(headers)
  expect(overTheWire(writable(headers)).read).toEqual(headers)
})

it.each([NaN, Infinity, -Infinity])('refuses %s, for which RabbitMQ would close the connection', (value) => {
  expect(thrown(() => writable({ a: [{ b: value }] })).code).toBe('NOT_ENCODABLE')
})

it('refuses endlessly nested tables, and does not overflow', () => {
  let deep: unknown = {}
  for (let i = 0; i < 100_000; i++) deep = i % 2 ? [deep] : { deep }
  expect(thrown(() => writable({ deep })).code).toBe('NOT_ENCODABLE')
})

it('never makes amqplib write an invalid number', () => {
  const leaf = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean())
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('!', 'value', 'a'), tie('value'), { maxKeys: 3 }),
      fc.record({ '!': fc.constantFrom('double', 'float', 'timestamp', 'decimal'), value: tie('value') }),
    ),
  }))
  const numbers = (read: unknown): number[] =>
    typeof read === 'number' ? [read] : Object.values(typeof read === 'object' ? (read ?? {}) : {}).flatMap(numbers)
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b'), value), (headers) => {
      try {
        const { read } = overTheWire(writable(headers))
        expect(numbers(read).every(Number.isFinite)).toBe(true)
      } catch (error) {
        // A header that cannot be written is reported, and the message is sent without its headers.
        if (!(error instanceof RangeError || error instanceof TypeError)) throw error
      }
    }),
  )
})
