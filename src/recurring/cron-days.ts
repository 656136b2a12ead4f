/** A month, as far as days depend on it. */
export interface Month {
  /** The number of its days. */
  readonly length: number
  /** The weekday of its first day, from 0 for Sunday. */
  readonly first: number
}

/** Days of a month, as bits: the first day is bit 0. */
export type Days = (month: Month) => number

export const ofDates =
  (dates: readonly number[]): Days =>
  () =>
    dates.reduce((bits, date) => bits | bit(date), 0)

export const lastDate: Days = ({ length }) => bit(length)

/** The day from Monday to Friday that is nearest to a date, in the same month. Nothing in a month without that date. */
export const nearestWorkday =
  (date: number): Days =>
  (month) => {
    if (date > month.length) return 0
    const weekday = weekdayOf(month, date)
    if (weekday === SATURDAY) return bit(date > 1 ? date - 1 : date + 2)
    if (weekday === SUNDAY) return bit(date < month.length ? date + 1 : date - 2)
    return bit(date)
  }

export const lastWorkday: Days = (month) => nearestWorkday(month.length)(month)

export const everyWeekday =
  (weekday: number): Days =>
  (month) => {
    let bits = 0
    for (let date = firstOf(month, weekday); date <= month.length; date += 7) bits |= bit(date)
    return bits
  }

/** @param n from 1 to 5 */
export const nthWeekday =
  (weekday: number, n: number): Days =>
  (month) => {
    const date = firstOf(month, weekday) + 7 * (n - 1)
    return date <= month.length ? bit(date) : 0
  }

export const lastWeekday =
  (weekday: number): Days =>
  (month) =>
    nthWeekday(weekday, 5)(month) || nthWeekday(weekday, 4)(month)

const [SUNDAY, SATURDAY] = [0, 6]

function bit(date: number): number {
  return 1 << (date - 1)
}

function weekdayOf({ first }: Month, date: number): number {
  return (first + date - 1) % 7
}

function firstOf({ first }: Month, weekday: number): number {
  return 1 + ((weekday - first + 7) % 7)
}
