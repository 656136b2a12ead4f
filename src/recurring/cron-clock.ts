import type { Days } from './cron-days.js'
import type { CronPattern } from './cron-pattern.js'

const [DAY_S, DAY_MS] = [86_400, 86_400_000]
/** In which the next day is looked for: ten years, between which 29 February occurs at least once. */
const MONTHS = 121

/**
 * What a clock shows next that fits the pattern, later than `after`. Both are milliseconds as if the clock showed UTC. Undefined if
 * there is nothing in ten years.
 */
export function nextShown(pattern: CronPattern, after: number): number | undefined {
  const second = Math.floor(after / 1000) + 1
  const day = Math.floor(second / DAY_S)
  const today = new Date(day * DAY_MS)
  const [year, month, date] = [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()]
  if ((daysOf(pattern, year, month) >> (date - 1)) & 1) {
    const time = timeFrom(pattern, second - day * DAY_S)
    if (time !== undefined) return today.getTime() + time * 1000
  }
  const next = nextDay(pattern, year, month, date)
  return next === undefined ? undefined : next + timeFrom(pattern, 0)! * 1000
}

/** The first second of a day that fits and is not before `second`. */
function timeFrom({ hours, minutes, seconds }: CronPattern, second: number): number | undefined {
  const [h, m, s] = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60]
  for (const hour of hours) {
    if (hour < h) continue
    if (hour > h) return hour * 3600 + minutes[0]! * 60 + seconds[0]!
    for (const minute of minutes) {
      if (minute < m) continue
      const found = minute > m ? seconds[0] : seconds.find((one) => one >= s)
      if (found !== undefined) return hour * 3600 + minute * 60 + found
    }
  }
  return undefined
}

/** The first day that fits after a date, in milliseconds. */
function nextDay(pattern: CronPattern, year: number, month: number, date: number): number | undefined {
  let later = -1 << date
  for (let i = 0; i < MONTHS; i++) {
    const first = new Date(Date.UTC(year, month + i))
    const days = daysOf(pattern, first.getUTCFullYear(), first.getUTCMonth()) & later
    if (days !== 0) return first.getTime() + lowestBit(days) * DAY_MS
    later = -1
  }
  return undefined
}

/** As bits. @param month from 0 */
function daysOf({ months, dates, weekdays }: CronPattern, year: number, month: number): number {
  if (!months.includes(month + 1)) return 0
  const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const first = new Date(Date.UTC(year, month)).getUTCDay()
  const bitsOf = (rules: readonly Days[]) => rules.reduce((bits, days) => bits | days({ length, first }), 0)
  const all = 2 ** length - 1
  if (dates && weekdays) return (bitsOf(dates) | bitsOf(weekdays)) & all
  return bitsOf(dates ?? weekdays ?? [() => all]) & all
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}
