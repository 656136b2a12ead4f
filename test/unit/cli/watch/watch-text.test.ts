import { expect, test } from 'vitest'
import { frameOf, jsonOf, lineOf } from '../../../../src/cli/watch/watch-text.js'
import { localTimes } from '../../../../src/cli/terminal-times.js'
import { DuequeError } from '../../../../src/base/errors.js'
import type { GoodLook } from '../../../../src/operate/watch/watch-status.js'
import { reportOf } from '../../../../src/operate/status-report.js'

const at = new Date('2026-11-30T09:00:05.123Z')
const count = (messages: number) => ({ messages, ready: messages })
const counts = new Map([
  ['dueque.v1.wait.30m', count(1234)],
  ['dueque.v1.parked', count(2)],
  ['a.dead', count(3)],
  ['b.dead', count(4)],
])
const report = reportOf('dueque', 'management', { counts, journal: null, recurring: null }, [])
const first: GoodLook = { at, report, rates: null, lateness: null }
const look: GoodLook = {
  at,
  report,
  rates: { overSeconds: 60, source: 'management', scheduled: 1012.5, delivered: 1012, waiting: 0.5 },
  lateness: {
    source: 'metrics',
    overSeconds: 60,
    messages: 60_720,
    p50Ms: 2.25,
    p99Ms: 1250,
    queues: [{ queue: 'reminders', messages: 60_720, p50Ms: 2.25, p99Ms: 1250 }],
    problems: ['app-2:9464: status 503'],
  },
}
const error = new DuequeError('UNREACHABLE', 'no broker at rabbit:5672', { hosts: [] })
const failed = { at: new Date('2026-11-30T09:00:10Z'), error }
const times = localTimes(() => at)
const frame = { everySeconds: 5, asked: false, rungs: true, times }

test('a frame has rates and lateness, by queue, and the counts of the status', () => {
  const lines = frameOf(look, look, frame).map(({ text }) => text)
  expect(lines.slice(0, 6)).toEqual([
    `dueque status of dueque  ${times.clock(at)}  every 5 s`,
    '',
    'rates     scheduled 1,012.5/s, delivered 1,012/s, waiting +0.5/s  (60 s)',
    'lateness  p50 2.3 ms, p99 1.3 s of 60,720 messages  (60 s, exporters)',
    '  reminders  p50 2.3 ms, p99 1.3 s of 60,720 messages',
    '  app-2:9464: status 503',
  ])
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}30m +1,234$/))
  expect(lines.at(-1)).toBe('Counted by the management API, some seconds ago.')
})

test('a broker that is away is reported with the time of the last counts, which stay', () => {
  const lines = frameOf(failed, first, frame)
  expect(lines[1]).toEqual({
    text: `no answer since ${times.clock(at)}; trying again: no broker at rabbit:5672`,
    style: 'red',
  })
  expect(lines.map(({ text }) => text)).toContain('rates     not known yet')
  expect(lines.map(({ text }) => text)).toContain('lateness  not measured')
})

test('without a terminal, a look is a line', () => {
  const waiting = 'waiting 1,234, unroutable 0, parked 2, dead 7'
  expect(lineOf(first, false)).toBe(`2026-11-30T09:00:05Z  ${waiting}`)
  expect(lineOf(failed, false)).toBe('2026-11-30T09:00:10Z  no answer: no broker at rabbit:5672')
  expect(lineOf(look, true)).toBe(
    `2026-11-30T09:00:05Z  back  ${waiting}  scheduled 1,012.5/s, delivered 1,012/s, waiting +0.5/s  (60 s)  ` +
      'lateness p50 2.3 ms, p99 1.3 s of 60,720 messages  (60 s, exporters)  app-2:9464: status 503',
  )
})

test('for programs, a look is the report with its rates and lateness, or its error', () => {
  expect(jsonOf(look)).toEqual({ at, ...report, rates: look.rates, lateness: look.lateness })
  const message = 'no broker at rabbit:5672'
  expect(jsonOf(failed)).toEqual({ at: failed.at, error: { code: 'UNREACHABLE', message } })
})
