import { expect, test } from 'vitest'
import { OwnRecords } from '../../../../src/strategies/definitions/own-records.js'

const before = { id: 'a', revision: 1, definition: '{}' }

test('a record that comes back tells what was there before, the first time', async () => {
  const records = new OwnRecords()
  const own = records.expect('line')
  records.arrived('another line', undefined)
  expect(own.answer).toBeUndefined()
  records.arrived('line', before)
  // It comes again after a lost connection.
  records.arrived('line', { ...before, revision: 2 })
  await own.back
  expect(own.answer).toEqual({ before })
})

test('a record that was given up is not waited for', () => {
  const records = new OwnRecords()
  const own = records.expect('line')
  records.forget(own)
  records.arrived('line', before)
  expect(own.answer).toBeUndefined()
})
