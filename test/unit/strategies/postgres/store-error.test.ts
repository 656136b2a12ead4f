import { expect, it } from 'vitest'
import { storeError } from '../../../../src/strategies/postgres/store-error.js'

it.each([
  ['42501', 'refused', { store: 'postgres', denied: true }],
  ['22001', 'refused', { store: 'postgres' }],
  ['57P01', 'unknown', { store: 'postgres' }],
  ['ECONNRESET', 'unknown', { store: 'postgres' }],
])('SQLSTATE %s is %s', (code, outcome, data) => {
  const error = storeError(Object.assign(new Error('no'), { code }), 'unknown')
  expect(error).toMatchObject({ code: 'STORE_ERROR', outcome, message: 'postgres: no' })
  expect(error.data).toEqual(data)
})
