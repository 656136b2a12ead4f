import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { localTimes, utcTimes } from '../../../src/cli/terminal-times.js'

beforeAll(() => void vi.stubEnv('TZ', 'Europe/Berlin'))
afterAll(() => void vi.unstubAllEnvs())

const now = new Date('2026-11-30T10:05:00Z')
const times = localTimes(() => now)

test.each([
  ['2026-11-30T13:05:03Z', 'in 3 h, 14:05', '14:05:03'],
  ['2026-11-30T10:00:00Z', '5 min ago, 11:00', '11:00:00'],
  ['2026-11-30T10:05:00.400Z', 'now, 11:05', '11:05:00'],
  // The next day there, and the same in UTC.
  ['2026-11-30T23:30:00Z', 'in 13 h, 2026-12-01 00:30', '2026-12-01 00:30:00'],
  ['2027-07-01T10:05:00Z', 'in 213 d, 2027-07-01 12:05', '2027-07-01 12:05:00'],
])('in a terminal %s is "%s", and "%s" in a line that stays', (instant, when, clock) => {
  expect(times.when(new Date(instant))).toBe(when)
  expect(times.clock(new Date(instant))).toBe(clock)
})

test('anywhere else an instant is ISO 8601 in UTC', () => {
  expect(utcTimes.when(now)).toBe('2026-11-30T10:05:00.000Z')
  expect(utcTimes.clock(now)).toBe('2026-11-30T10:05:00.000Z')
})
