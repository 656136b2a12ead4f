import { expect, it } from 'vitest'
import { storedNumber } from '../../../../src/strategies/store/stored-number.js'

it.each([
  [7, 7],
  [7n, 7],
  ['7', 7],
  [Buffer.from('7'), 7],
  ['-1764000000123', -1_764_000_000_123],
  ['1.5', 1.5],
  ['inf', Infinity],
  ['-inf', -Infinity],
])('%s is read as a number, whatever type the client returns', (value, number) => {
  expect(storedNumber(value, 'redis')).toBe(number)
})

it.each([['', 'x', 'nan', undefined, null, {}, [], true, Buffer.alloc(0)]])('%s is not a number', (value) => {
  expect(() => storedNumber(value, 'redis')).toThrow(expect.objectContaining({ code: 'STORE_ERROR' }))
})
