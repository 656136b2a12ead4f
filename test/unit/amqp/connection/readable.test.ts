import fc from 'fast-check'
import { expect, it } from 'vitest'
import { makeReadable } from '../../../../src/amqp/connection/readable.js'
import { fields, fixed, long, type Bytes } from '../../../support/raw-publisher.js'
import { decodeFields } from '../amqp-codec.js'

/** A content header with a content type, and the headers that amqplib reads once they are readable. */
function read(headers: Bytes): Record<string, unknown> {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(headers.length)
  const payload = Buffer.concat([Buffer.alloc(12), Buffer.from([0xa0, 0, 3, ...Buffer.from('x/y')]), length, headers])
  const { length: before } = payload
  makeReadable(payload)
  expect(payload).toHaveLength(before)
  return decodeFields(payload.subarray(payload.length - headers.length))
}

/** Built from the outside in, because copying each level into the next takes seconds. */
function nested(depth: number, tag: 'A' | 'F'): Bytes {
  const levels = tag === 'A' ? depth : depth + 1
  // In a table, an empty name precedes each value.
  const name = tag === 'A' ? 0 : 1
  const bytes = Buffer.alloc(levels * (name + 5) - name)
  for (let level = 0, at = 0; level < levels; level++, at += name + 5) {
    bytes.write(tag, at, 'latin1')
    bytes.writeUInt32BE(bytes.length - at - 5, at + 1)
  }
  return bytes
}

it('reads 64-bit unsigned integers, and the fields behind them', () => {
  const seven = fixed('L', 0, 0, 0, 0, 0, 0, 0, 7)
  const headers = fields([
    ['a', seven],
    ['b', long('A', seven)],
    ['c', long('F', fields([['d', seven]]))],
    ['e', long('S', 'text')],
  ])
  expect(read(headers)).toEqual({ a: 7, b: [7], c: { d: 7 }, e: 'text' })
})

it.each(['A', 'F'] as const)('leaves values nested deeper than 32 as bytes (%s), and reads the rest', (tag) => {
  const headers = fields([
    ['deep', nested(20_000, tag)],
    ['after', fixed('b', 1)],
  ])
  const { deep, after } = read(headers)
  expect(after).toBe(1)
  let [depth, inner]: [number, unknown] = [0, deep]
  for (; !(inner instanceof Uint8Array); depth++) inner = Object.values(inner as object)[0]
  expect(depth).toBe(31)
})

it('does not change values that amqplib reads by itself', () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 8 }).map((bytes) => long('S', bytes)),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => long('x', bytes)),
    ...Object.entries({ b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, l: 8, d: 8, T: 8, D: 5, V: 0 }).map(
      ([tag, width]) => fc.uint8Array({ minLength: width, maxLength: width }).map((bytes) => fixed(tag, ...bytes)),
    ),
  )
  const table = fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 5 }), value), { maxLength: 8 }).map(fields)
  fc.assert(
    fc.property(table, (headers) => {
      expect(read(headers)).toEqual(decodeFields(Buffer.from(headers)))
    }),
  )
})

it('leaves a content header without headers alone', () => {
  const payload = Buffer.from([...Array<number>(12).fill(0), 0x80, 0, 1, 0x4c])
  makeReadable(payload)
  expect(payload.at(-1)).toBe(0x4c)
})
