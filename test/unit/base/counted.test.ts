import { expect, test } from 'vitest'
import { counted } from '../../../src/base/counted.js'

test.each([
  [0, '0 messages'],
  [1, '1 message'],
  [2, '2 messages'],
])('%s is told as "%s"', (count, text) => {
  expect(counted(count, 'message')).toBe(text)
})

test('a noun has a plural and a verb of its own, and the number another form', () => {
  expect(counted(1, 'entry waits', 'entries wait')).toBe('1 entry waits')
  expect(counted(1000, 'entry waits', 'entries wait', (n) => n.toLocaleString('en'))).toBe('1,000 entries wait')
})
