import fc from 'fast-check'
import { expect, expectTypeOf, it } from 'vitest'
import { DuequeError, errorText, invalidOption, isDuequeError, shown } from '../../../src/base/errors.js'

it('an error has a code, its data, a cause and an outcome', () => {
  const cause = new Error('beneath')
  const error = new DuequeError('UNREACHABLE', 'nobody', { hosts: ['a:1'] }, { cause, outcome: 'unknown' })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'DuequeError',
    code: 'UNREACHABLE',
    message: 'nobody',
    cause,
    outcome: 'unknown',
  })
  expect(error.data).toEqual({ hosts: ['a:1'] })
  expect(String(error)).toBe('DuequeError: nobody')
})

it('an error without a cause has no cause property, and its outcome is refused by default', () => {
  const error = new DuequeError('CLOSED', 'closed', {})
  expect(error.outcome).toBe('refused')
  expect('cause' in error).toBe(false)
})

it('isDuequeError recognises errors of dueque, and their codes', () => {
  const error: unknown = new DuequeError('INVALID_DUE', 'when?', { value: 5 })
  expect([isDuequeError(error), isDuequeError(error, 'INVALID_DUE'), isDuequeError(error, 'CLOSED')]).toEqual([
    true,
    true,
    false,
  ])
  for (const other of [new Error('x'), { code: 'CLOSED', name: 'DuequeError' }, null, undefined, 'CLOSED']) {
    expect(isDuequeError(other)).toBe(false)
  }
  if (isDuequeError(error, 'INVALID_DUE')) expectTypeOf(error.data).toEqualTypeOf<{ value: unknown }>()
})

it('the error of an invalid option names the expected and the actual value', () => {
  const error = invalidOption('prefetch', 'a whole number', 'many')
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'prefetch' } })
  expect(error.message).toBe('prefetch: expected a whole number, got "many"')
})

it.each([
  ['a "b"', '"a \\"b\\""'],
  ['x'.repeat(80), `"${'x'.repeat(80)}"`],
  ['x'.repeat(81), `"${'x'.repeat(80)}…"`],
  [5, '5'],
  [NaN, 'NaN'],
  [true, 'true'],
  [null, 'null'],
  [undefined, 'undefined'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Date(NaN), 'an invalid Date'],
  [['secret'], 'an array'],
  [{ secret: 1 }, 'a value of type object'],
  [5n, 'a value of type bigint'],
  [Symbol('secret'), 'a value of type symbol'],
  [() => 'secret', 'a value of type function'],
])('a value is described shortly, without its content: %o', (value, text) => {
  expect(shown(value)).toBe(text)
})

it('any value can be described shortly', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true })
  fc.assert(fc.property(anything, (value) => shown(value).length < 600))
})

it.each([
  [new Error('a'), 'a'],
  [new DuequeError('CLOSED', 'b', {}), 'b'],
  ['c', 'c'],
  [undefined, 'undefined'],
  [null, 'null'],
  [5n, '5'],
  [Symbol('d'), 'Symbol(d)'],
])('the text of %o is %s', (error, text) => {
  expect(errorText(error)).toBe(text)
})

const fail = () => {
  throw new Error('called')
}

// A handler may throw any value, which is written on the dead message.
it.each<[string, unknown]>([
  ['an object without a prototype', Object.create(null)],
  ['an object whose toString throws', { toString: fail }],
  ['an error whose message is an object', Object.assign(new Error(), { message: { a: 1 } })],
  ['an error whose message is undefined', Object.assign(new Error(), { message: undefined })],
  ['an error whose message throws', Object.defineProperty(new Error(), 'message', { get: fail })],
])('%s has a text too', (_, error) => {
  expect(typeof errorText(error)).toBe('string')
})
