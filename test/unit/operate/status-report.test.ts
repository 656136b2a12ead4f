import { expect, test } from 'vitest'
import type { JournalStatus } from '../../../src/operate/journal-status.js'
import { reportOf } from '../../../src/operate/status-report.js'
import { textOf } from '../../../src/cli/status-text.js'

test.each([
  [0, false],
  [512, false],
  [513, true],
])('a rung with %i overdue messages is backed up: %s', (overdue, expected) => {
  const counts = new Map([['dueque.v1.wait.30m', { messages: overdue + 9, ready: 9 }]])
  const report = reportOf('dueque', 'management', { counts, journal: null }, [])
  expect(report.waiting.rungs[0]!.backedUp).toBe(expected)
  expect(textOf(report, false).includes('drains slower than it fills')).toBe(expected)
})

test('the text says whether there is a journal, since when, and about how many records it has', () => {
  const journalRow = (journal: JournalStatus | null) => {
    const text = textOf(reportOf('dueque', 'amqp', { counts: new Map(), journal }, []), false)
    return text.split('\n').find((line) => line.startsWith('journal'))
  }
  expect(journalRow(null)).toMatch(/^journal +off {2}waiting messages cannot be listed$/)
  const since = '2026-11-29T21:00:00.000Z'
  expect(journalRow({ since, records: 1_234_567 })).toMatch(
    /^journal +on {2}messages scheduled since 2026-11-29T21:00:00Z, about 1,234,567 records$/,
  )
  expect(journalRow({ since: null, records: null, unread: 'no read\u001b permission' })).toMatch(
    /^journal +on {2}not read: no read\S* permission$/,
  )
})
