import { expect, test } from 'vitest'
import type { JournalStatus } from '../../../src/operate/journal-status.js'
import type { RecurringStatus } from '../../../src/operate/recurring-status.js'
import { reportOf, type CountReport, type StatusReport } from '../../../src/operate/status-report.js'
import { statusLines } from '../../../src/cli/status-text.js'
import { utcTimes } from '../../../src/cli/terminal-times.js'

const NO_TARGETS = { targets: [], waitingIn: null }
const textOf = (report: CountReport & Partial<StatusReport>, rungs = false) =>
  statusLines({ ...NO_TARGETS, ...report }, { asked: false, rungs, times: utcTimes })
    .map(({ text }) => text)
    .join('\n')

test.each([
  [0, false],
  [512, false],
  [513, true],
])('a rung with %i overdue messages is backed up: %s', (overdue, expected) => {
  const counts = new Map([['dueque.v1.wait.30m', { messages: overdue + 9, ready: 9 }]])
  const report = reportOf('dueque', 'management', { counts, journal: null, recurring: null }, [])
  expect(report.waiting.rungs[0]!.backedUp).toBe(expected)
  expect(textOf(report).includes('drains slower than it fills')).toBe(expected)
})

test('the text says whether there is a journal, since when, and about how many records it has', () => {
  const journalRow = (journal: JournalStatus | null) => {
    const text = textOf(reportOf('dueque', 'amqp', { counts: new Map(), journal, recurring: null }, []))
    return text.split('\n').find((line) => line.startsWith('journal'))
  }
  expect(journalRow(null)).toMatch(/^journal +off {2}waiting messages cannot be listed$/)
  const since = '2026-11-29T21:00:00.000Z'
  expect(journalRow({ since, records: 1_234_567 })).toMatch(
    /^journal +on {2}messages scheduled since 2026-11-29T21:00:00.000Z, about 1,234,567 records$/,
  )
  expect(journalRow({ since: null, records: null, unread: 'no read\u001b permission' })).toMatch(
    /^journal +on {2}not read: no read\S* permission$/,
  )
})

test('a queue that is one of another namespace by a longer reading of its name is left out', () => {
  const one = { messages: 1, ready: 1 }
  const outlet = 'a.v1.to.b.v1.parked'
  const counts = new Map([
    ['a.v1.unroutable', one],
    [outlet, one],
  ])
  const outletsOf = (namespace: string) =>
    reportOf(namespace, 'management', { counts, journal: null, recurring: null }, []).outlets
  expect(outletsOf('a')).toEqual([{ exchange: 'b.v1.parked', queue: outlet, ...one }])
  counts.set('a.v1.to.b.v1.unroutable', one)
  expect(outletsOf('a')).toEqual([])
  expect(reportOf('a.v1.to.b', 'management', { counts, journal: null, recurring: null }, []).parked).toEqual({
    queue: outlet,
    ...one,
  })
})

test('dead queues are those of the namespace, or those whose work queues were named', () => {
  const counts = new Map(['own', 'other', 'named'].map((name) => [`${name}.dead`, { messages: 2, ready: 2 }]))
  const counted = { counts, journal: null, recurring: null, dead: new Set(['own.dead', 'gone.dead']) }
  const deadOf = (queues: string[]) => reportOf('a', 'management', counted, queues).dead.map(({ queue }) => queue)
  expect(deadOf([])).toEqual(['own.dead'])
  expect(deadOf(['named'])).toEqual(['named.dead'])
})

test('the text counts rungs, shows each of them if it is asked for, and says what is not known', () => {
  const counts = new Map(['30m', '1h'].map((rung) => [`a.v1.wait.${rung}`, { messages: 5, ready: 5 }]))
  const report = reportOf('a', 'amqp', { counts, journal: null, recurring: null }, [])
  expect(textOf(report)).toMatch(/^waiting +10 {2}in 2 rungs \(--rungs shows each\)$/m)
  expect(textOf(report, true)).toMatch(/^ {2}30m +5\n {2}1h +5$/m)
  expect(textOf(report)).toContain('not known without a journal (ladder({ journal: true })) or a store')
  const waitingIn = {
    source: 'redis',
    messages: 7,
    nextAt: '2035-01-01T00:00:00.000Z',
    lastAt: '2035-01-02T00:00:00.000Z',
  }
  const known = textOf({ ...report, waitingIn })
  expect(known).toMatch(/^redis +7 {2}next due 2035-01-01T00:00:00.000Z; last due 2035-01-02T00:00:00.000Z$/m)
  expect(known).not.toContain('not known')
  expect(known).toMatch(/^journal +off$/m)
  const inJournal = (count: number) =>
    textOf({ ...report, waitingIn: { ...waitingIn, source: 'journal', messages: count } })
  expect(inJournal(7)).toContain('About 3 waiting messages are not in the journal: their targets are not known.')
  expect(inJournal(10)).not.toContain('not known')
})

test.each<[RecurringStatus, string]>([
  [{ definitions: 3, unreadable: 0, tickers: 2 }, 'recurring 3 2 tickers'],
  [{ definitions: 0, unreadable: 0, tickers: 0 }, 'recurring 0'],
  [
    { definitions: 3, unreadable: 1, tickers: 0 },
    'recurring 3 1 cannot be read; no ticker runs: nothing is sent (dueque ticker)',
  ],
  [{ definitions: null, unreadable: 0, tickers: 1 }, 'recurring defined in a store; 1 ticker'],
  [{ definitions: null, unreadable: 0, tickers: 1, unread: 'no right' }, 'recurring not read: no right; 1 ticker'],
])('the text says how many recurring messages there are, and whether they are sent: %j', (recurring, expected) => {
  const text = textOf(reportOf('dueque', 'amqp', { counts: new Map(), journal: null, recurring }, []))
  const row = text.split('\n').find((line) => line.startsWith('recurring'))
  expect(row?.replace(/ +/g, ' ')).toBe(expected)
})
