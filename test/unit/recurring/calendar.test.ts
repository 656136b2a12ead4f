import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calendarOf } from '../../../src/recurring/calendar.js'
import { ODD_ZONES, oracleTimes } from '../../support/calendar-oracle.js'
import { timesOf } from './times-of.js'

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]
const iso = (times: readonly number[]) => times.map((time) => new Date(time).toISOString().replace(/:00\.000Z$/, 'Z'))

/** What people have reported about other calendars: pattern, zone, first and last day in UTC. */
const REPORTS: [cron: string, tz: string, from: string, to: string][] = [
  ['30 2 * * *', 'Europe/Berlin', '2026-03-27', '2026-03-31'],
  ['30 2 * * *', 'Europe/Berlin', '2026-10-23', '2026-10-27'],
  ['0,30 1-3 * * *', 'Europe/Berlin', '2026-10-24', '2026-10-26'],
  ['*/20 * * * *', 'Europe/Berlin', '2026-10-24', '2026-10-26'],
  ['0 */2 * * *', 'Europe/Berlin', '2026-03-28', '2026-03-30'],
  ['30 2 * * *', 'America/New_York', '2026-03-06', '2026-03-11'],
  ['30 2,14 * * *', 'America/New_York', '2026-03-06', '2026-03-11'],
  ['30 1 * * *', 'America/New_York', '2026-10-30', '2026-11-04'],
  ['* * * * *', 'America/New_York', '2026-03-08', '2026-03-09'],
  ['* 2 * * *', 'America/New_York', '2026-03-07', '2026-03-10'],
  ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-01', '2026-10-07'],
  ['10,35,40 2 * * *', 'Australia/Lord_Howe', '2026-10-01', '2026-10-07'],
  ['0 * * * *', 'Australia/Lord_Howe', '2026-10-03', '2026-10-05'],
  ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-02', '2026-04-08'],
  ['0 */2 * * *', 'Africa/Cairo', '2026-04-22', '2026-04-26'],
  ['0 0 * * *', 'Africa/Cairo', '2026-04-22', '2026-04-26'],
  ['0 0 10 * *', 'America/Sao_Paulo', '2014-01-01', '2015-01-01'],
  ['0 0 10 * *', 'America/Sao_Paulo', '2018-01-01', '2019-01-01'],
  ['0 0 * * *', 'America/Sao_Paulo', '2018-11-01', '2018-11-08'],
  ['0 0 * * SUN', 'America/Sao_Paulo', '2018-02-01', '2018-03-01'],
  ['0 1 30 3 *', 'Europe/Lisbon', '2024-01-01', '2027-01-01'],
  ['30 2 * * *', 'Africa/Casablanca', '2026-02-12', '2026-02-18'],
  ['30 2 * * *', 'Africa/Casablanca', '2026-03-19', '2026-03-25'],
  ['0 10 * * *', 'America/Chicago', '2026-03-05', '2026-03-12'],
  ['0 10 * * *', 'America/Chicago', '2026-10-29', '2026-11-05'],
  ['* * * * * *', 'Europe/Vienna', '2026-10-25', '2026-10-25T03:00:00Z'],
  ['15 30 2 * * *', 'Europe/Vienna', '2026-10-24', '2026-10-26'],
  ['0 12 * * *', 'Asia/Kathmandu', '2026-01-01', '2026-01-04'],
]

describe('the times of a pattern', () => {
  it.each(REPORTS)('%s in %s from %s to %s are those of a clock that is looked at', (cron, tz, from, to) => {
    const [start, end] = [Date.parse(from), Date.parse(to)]
    const expected = oracleTimes(cron, tz, start, end)
    expect(expected.length).toBeGreaterThan(1)
    expect(difference(timesOf({ cron, tz }, start, end), expected)).toBeUndefined()
  })

  // By hand, so that the clock that is looked at is right as well.
  it.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28', '2026-03-28T01:30Z 2026-03-29T01:00Z 2026-03-30T00:30Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24', '2026-10-24T00:30Z 2026-10-25T00:30Z 2026-10-26T01:30Z'],
    [
      '*/30 2 * * *',
      'Europe/Berlin',
      '2026-10-25',
      '2026-10-25T00:00Z 2026-10-25T00:30Z 2026-10-25T01:00Z 2026-10-25T01:30Z',
    ],
    ['30 2 * * *', 'America/New_York', '2026-03-08', '2026-03-08T07:00Z 2026-03-09T06:30Z'],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03', '2026-10-03T15:30Z 2026-10-04T15:15Z'],
    [
      '10,35,40 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03',
      '2026-10-03T15:30Z 2026-10-03T15:35Z 2026-10-03T15:40Z 2026-10-04T15:10Z',
    ],
    [
      '0 */2 * * *',
      'Africa/Cairo',
      '2026-04-23T18:00Z',
      '2026-04-23T18:00Z 2026-04-23T20:00Z 2026-04-23T23:00Z 2026-04-24T01:00Z',
    ],
    ['0 0 10 * *', 'America/Sao_Paulo', '2014-10-01', '2014-10-10T03:00Z 2014-11-10T02:00Z'],
    ['0 0 * * *', 'America/Sao_Paulo', '2018-11-03', '2018-11-03T03:00Z 2018-11-04T03:00Z 2018-11-05T02:00Z'],
    ['0 1 30 3 *', 'Europe/Lisbon', '2025-01-01', '2025-03-30T01:00Z 2026-03-30T00:00Z'],
    ['0 10 * * *', 'America/Chicago', '2026-03-07', '2026-03-07T16:00Z 2026-03-08T15:00Z'],
    ['0 0 29 2 *', 'UTC', '2096-03-01', '2104-02-29T00:00Z 2108-02-29T00:00Z'],
  ])('%s in %s from %s on are %s', (cron, tz, from, expected) => {
    const times = expected.split(' ')
    const to = Date.parse(times.at(-1)!) + 1
    expect(iso(timesOf({ cron, tz }, Date.parse(from), to))).toEqual(times)
  })

  it('run through every second of a change of the clocks', () => {
    const [from, to] = [Date.parse('2026-10-25T00:00:00Z'), Date.parse('2026-10-25T02:00:00Z')]
    const times = timesOf({ cron: '* * * * * *', tz: 'Europe/Vienna' }, from, to)
    expect(
      difference(
        times,
        Array.from({ length: 7200 }, (_, i) => from + i * 1000),
      ),
    ).toBeUndefined()
  })

  it.each(ODD_ZONES)('of a year in %s are those of a clock that is looked at', (tz) => {
    const [from, to] = [Date.UTC(2026, 0), Date.UTC(2027, 0)]
    for (const cron of ['30 2 * * *', '0 */3 * * *', '15 0,23 * * MON'])
      expect(difference(timesOf({ cron, tz }, from, to), oracleTimes(cron, tz, from, to)), cron).toBeUndefined()
  })

  it('are those of a clock that is looked at, for any pattern, zone and day', () => {
    fc.assert(
      fc.property(
        fc.tuple(
          fc.integer({ min: 0, max: 59 }),
          field(0, 3),
          fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(1, 28)),
        ),
        fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(0, 6)),
        fc.constantFrom(...ODD_ZONES, 'America/Sao_Paulo', 'Europe/Dublin', 'Asia/Tehran', 'America/St_Johns'),
        fc.integer({ min: Date.UTC(2015, 0) / DAY, max: Date.UTC(2035, 0) / DAY }),
        ([minute, hour, date], weekday, tz, day) => {
          const [cron, from, to] = [`${minute} ${hour} ${date} * ${weekday}`, day * DAY, (day + 40) * DAY]
          expect(difference(timesOf({ cron, tz }, from, to), oracleTimes(cron, tz, from, to))).toBeUndefined()
        },
      ),
      { numRuns: 30 },
    )
  })

  it('do not depend on the time zone of the process', async () => {
    const program = new URL('./print-times.ts', import.meta.url).pathname
    const env = { ...process.env, TZ: 'Pacific/Auckland' }
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], { env })
    const expected = oracleTimes('30 2 * * *', 'America/New_York', Date.UTC(2026, 2, 6), Date.UTC(2026, 2, 11))
    expect(JSON.parse(stdout)).toEqual({ timeZone: 'Pacific/Auckland', times: expected })
  })

  it('are found from any instant, also within a gap and within a repeated hour', () => {
    const rule = { cron: '30 2 * * *', tz: 'Europe/Berlin' }
    for (const day of ['2026-03-29', '2026-10-25']) {
      const [from, to] = [Date.parse(day), Date.parse(day) + 4 * HOUR]
      const times = timesOf(rule, from, to + DAY)
      for (let after = from; after < to; after += MINUTE) {
        const next = calendarOf({ id: 'i', ...rule }).next(after)
        expect(next).toBe(times.find((time) => time > after))
      }
    }
  })
})

describe('every', () => {
  const next = (id: string, everyMs: number, after: number, from?: number) =>
    calendarOf({ id, everyMs, ...(from !== undefined && { from }) }).next(after)!

  it('has times from `from` on, at a fixed distance', () => {
    expect([4, 5, 14, 15].map((after) => next('i', 10, after, 5))).toEqual([5, 15, 15, 25])
    expect(next('i', DAY, Date.UTC(2026, 2, 29), Date.UTC(2026, 0, 1, 9))).toBe(Date.UTC(2026, 2, 29, 9))
  })

  it('has another phase for each id, which is always the same', () => {
    const phases = Array.from({ length: 100 }, (_, i) => next(`s${i}`, HOUR, Date.UTC(2026, 0)) % HOUR)
    expect(new Set(phases).size).toBeGreaterThan(90)
    expect(phases).toEqual(phases.map((_, i) => next(`s${i}`, HOUR, Date.UTC(2027, 0)) % HOUR))
    // Written down: it must not change between versions.
    expect(next('report', HOUR, 0)).toBe(3_078_681)
  })
})

it('the name of a time zone may have any case', () => {
  expect(iso([calendarOf({ id: 'i', cron: '0 9 * * *', tz: 'europe/berlin' }).next(0)!])).toEqual(['1970-01-01T08:00Z'])
})

/** The first times that are not alike. A list of many numbers takes long to compare otherwise. */
function difference(times: readonly number[], expected: readonly number[]) {
  const i = expected.findIndex((time, at) => time !== times[at])
  if (i < 0 && times.length === expected.length) return undefined
  const at = i < 0 ? expected.length : i
  return { at, times: iso(times.slice(at, at + 3)), expected: iso(expected.slice(at, at + 3)) }
}

/** One field of a pattern. */
function field(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max })
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const step = fc.integer({ min: 1, max })
  const item = fc.oneof(
    value.map(String),
    range,
    fc.tuple(fc.oneof(range, fc.constant('*')), step).map(([low, every]) => `${low}/${every}`),
  )
  return fc.oneof(
    fc.constant('*'),
    fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join()),
  )
}
