import { expect, test } from 'vitest'
import { planLines } from '../../../src/cli/restore-report.js'
import { utcTimes } from '../../../src/cli/terminal-times.js'
import type { RestorePlan } from '../../../src/operate/restore/restore-plan.js'

const [FROM, TO] = [new Date('2030-01-31T10:00:00Z'), new Date('2030-02-28T10:00:00Z')]
const PLAN: RestorePlan = {
  lostAt: new Date('2030-01-31T09:00:00Z'),
  messages: 12_345,
  overdue: 7,
  from: FROM,
  to: TO,
  destinations: [
    { destination: { queue: 'reminders' }, messages: 12_344, from: FROM, to: TO, exists: true },
    { destination: { exchange: 'clinic\x1b', routingKey: 'a' }, messages: 1, from: FROM, to: FROM, exists: false },
  ],
  skipped: { cancelled: 5000, refused: 1, present: 0, withoutBody: 2 },
  justBefore: 3,
  isOwn: true,
}

test('a plan says how many messages, when, where to, and what is left out', () => {
  expect(planLines(PLAN, utcTimes).join('\n'))
    .toBe(`12,345 messages to restore, ready from 2030-01-31T10:00:00.000Z to 2030-02-28T10:00:00.000Z
7 of them are due by now: they are delivered at once

DESTINATION          MESSAGES  FIRST                     LAST
queue:reminders        12,344  2030-01-31T10:00:00.000Z  2030-02-28T10:00:00.000Z
exchange:clinic\\x1b         1  2030-01-31T10:00:00.000Z  2030-01-31T10:00:00.000Z  is missing

skipped: 5,000 cancelled, 1 refused, 0 in the target's journal, 2 without a body
up to 3 messages were ready in the hour before 2030-01-31T09:00:00.000Z and count as delivered (--lost-at, if they were lost)
the journal is that of the target: messages that RabbitMQ still has are delivered twice`)
})

test('a plan for nothing is short', () => {
  const nothing = { messages: 0, overdue: 0, from: undefined, to: undefined, destinations: [], justBefore: 0 }
  expect(planLines({ ...PLAN, ...nothing }, utcTimes)).toEqual([
    '0 messages to restore',
    "skipped: 5,000 cancelled, 1 refused, 0 in the target's journal, 2 without a body",
  ])
})

test('a plan for messages that wait now says with which instant to repeat it', () => {
  const lines = planLines(PLAN, utcTimes, true)
  expect(lines.slice(0, -1)).toEqual(planLines(PLAN, utcTimes))
  expect(lines.at(-1)).toContain('--yes needs --lost-at')
})
