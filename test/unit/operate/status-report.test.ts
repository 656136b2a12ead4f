import { expect, test } from 'vitest'
import { reportOf } from '../../../src/operate/status-report.js'
import { textOf } from '../../../src/cli/status-text.js'

test.each([
  [0, false],
  [512, false],
  [513, true],
])('a rung with %i overdue messages is backed up: %s', (overdue, expected) => {
  const counts = new Map([['dueque.v1.wait.30m', { messages: overdue + 9, ready: 9 }]])
  const report = reportOf('dueque', 'management', counts, [])
  expect(report.waiting.rungs[0]!.backedUp).toBe(expected)
  expect(textOf(report, false).includes('drains slower than it fills')).toBe(expected)
})
