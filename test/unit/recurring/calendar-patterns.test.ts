import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calendarOf } from '../../../src/recurring/calendar.js'
import { thrown } from '../thrown.js'
import { timesOf } from './times-of.js'

const YEAR = [Date.UTC(2026, 0), Date.UTC(2027, 0)] as const
/** Days of 2026 in UTC, such as `01-31`. */
const days = (cron: string) => timesOf({ cron }, ...YEAR).map((time) => new Date(time).toISOString().slice(5, 10))
const hours = (cron: string) =>
  timesOf({ cron }, YEAR[0], YEAR[0] + 86_400_000).map((time) => (time - YEAR[0]) / 3_600_000)

describe('days', () => {
  it.each([
    ['0 0 31 * *', '01-31 03-31 05-31 07-31 08-31 10-31 12-31'],
    ['0 0 L * *', '01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31'],
    ['0 0 L 2,4 *', '02-28 04-30'],
    ['0 0 15,L JAN *', '01-15 01-31'],
    // 15 February and 15 March are Sundays, 15 August is a Saturday, as is 31 January.
    ['0 0 15W 1-3,8 *', '01-15 02-16 03-16 08-14'],
    ['0 0 1W 2,8 *', '02-02 08-03'],
    ['0 0 31W * *', '01-30 03-31 05-29 07-31 08-31 10-30 12-31'],
    ['0 0 LW 1-2 *', '01-30 02-27'],
    ['0 0 * 5 FRI#2', '05-08'],
    ['0 0 * 1-3 5#5', '01-30'],
    ['0 0 * 1-2 FRI#L', '01-30 02-27'],
    ['0 0 * 1-2 5L', '01-30 02-27'],
    ['0 0 * 1-2 sunL', '01-25 02-22'],
    ['0 0 * 2 MON#1,FRI', '02-02 02-06 02-13 02-20 02-27'],
    ['0 0 * 2 SAT-SUN', '02-01 02-07 02-08 02-14 02-15 02-21 02-22 02-28'],
    ['0 0 * 2 6-7', '02-01 02-07 02-08 02-14 02-15 02-21 02-22 02-28'],
    ['0 0 * 2 0-0,7-7', '02-01 02-08 02-15 02-22'],
    ['0 0 1-7 2 0', '02-01 02-02 02-03 02-04 02-05 02-06 02-07 02-08 02-15 02-22'],
    ['0 0 13 2 FRI', '02-06 02-13 02-20 02-27'],
    ['0 0 ? 2 FRI', '02-06 02-13 02-20 02-27'],
    ['0 0 13 2 ?', '02-13'],
    ['0 0 */10 2 *', '02-01 02-11 02-21'],
    ['0 0 1 jan-mar/2,DEC *', '01-01 03-01 12-01'],
    ['@yearly', '01-01'],
    ['@Annually', '01-01'],
    [' @monthly ', '01-01 02-01 03-01 04-01 05-01 06-01 07-01 08-01 09-01 10-01 11-01 12-01'],
  ])('of %s are %s', (cron, expected) => {
    expect(days(cron).join(' ')).toBe(expected)
  })

  it('of @weekly are Sundays', () => {
    expect(days('@weekly')).toEqual(days('0 0 * * SUN'))
    expect(days('@weekly')).toHaveLength(52)
  })
})

it.each([
  ['0 9 * * *', [9]],
  ['30 9,17 * * *', [9.5, 17.5]],
  ['0 22-23,1-2 * * *', [1, 2, 22, 23]],
  ['  0\t*/8 *  * * ', [0, 8, 16]],
  ['0 5-12/3 * * *', [5, 8, 11]],
  ['00 09 * * *', [9]],
  ['0 0,30 6 * * *', [6, 6.5]],
  ['36 0 6 * * *', [6.01]],
  ['@daily', [0]],
  ['@midnight', [0]],
  ['@hourly', Array.from({ length: 24 }, (_, i) => i)],
])('%s runs at %j', (cron, expected) => {
  expect(hours(cron)).toEqual(expected)
})

it.each([
  ['61 * * * *', 'minute: 61'],
  ['* 24 * * *', 'hour: 24'],
  ['* * 32 * *', 'day'],
  ['* * * 13 *', 'month'],
  ['* * * FOO *', 'FOO'],
  ['* * * * 8', 'dayOfWeek: 8'],
  ['* * * * FRI#6', '6'],
  ['* * L-3 * *', 'L-3'],
  ['*/0 * * * *', '0'],
  ['1,,2 * * * *', '1,,2'],
  ['-1 * * * *', '-1'],
  ['1.5 * * * *', '1.5'],
  ['5-1 * * * *', '5-1'],
  ['20/2 * * * *', '20/2'],
  ['* * * * FRI-MON', '5-1'],
  ['* * * *', 'five or six fields'],
  ['* * * * * * 2027', 'five or six fields'],
  ['', 'five or six fields'],
  ['@reboot', 'five or six fields'],
  ['@constructor', 'five or six fields'],
  [`${'1,'.repeat(600)}1 * * * *`, 'a pattern'],
  [5, 'a pattern'],
  [undefined, 'a pattern'],
])('%s is refused: %s', (cron, text) => {
  const error = thrown(() => calendarOf({ id: 'i', cron: cron as string }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'cron' } })
  expect(error.message).toContain(text)
})

it('any text is read or refused', () => {
  const parts = fc.constantFrom(...'0159*/,-#?LW '.split(''), 'MON', 'JAN', '@', ' * * ', '\n')
  const texts = fc.oneof(
    fc.string(),
    fc.array(parts, { maxLength: 12 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(texts, (cron) => {
      try {
        expect(calendarOf({ id: 'i', cron })).toHaveProperty('next')
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_OPTION' })
      }
    }),
    { numRuns: 500 },
  )
})

it('a pattern that never runs has no time', () => {
  expect(calendarOf({ id: 'i', cron: '0 0 30 2 *' }).next(YEAR[0])).toBeUndefined()
})
