import { expect, it } from 'vitest'
import {
  ShapeError,
  as,
  flag,
  list,
  number,
  object,
  oneOf,
  or,
  record,
  text,
} from '../../../../src/operate/management/shape.js'

const queue = object({
  name: text,
  durable: flag,
  kind: oneOf('queue', 'exchange'),
  args: record,
  ready: or(number, 0),
})
const given = { name: 'q', durable: true, kind: 'queue', args: { a: 1 }, other: 'left out' }

it('reads the named fields, with defaults for missing ones', () => {
  const { other: _, ...rest } = given
  expect(list(as(queue, ({ name, ready }) => ({ name, ready })))([given])).toEqual([{ name: 'q', ready: 0 }])
  expect(queue({ ...given, ready: 5 })).toEqual({ ...rest, ready: 5 })
})

it.each([
  [null],
  [[]],
  ['text'],
  [{}],
  [{ ...given, name: 5 }],
  [{ ...given, name: undefined }],
  [{ ...given, durable: 'true' }],
  [{ ...given, kind: 'other' }],
  [{ ...given, args: [] }],
  [{ ...given, ready: null }],
])('a document of another shape is refused: %j', (document) => {
  expect(() => queue(document)).toThrow(ShapeError)
  expect(() => list(queue)({ document })).toThrow(ShapeError)
})
