import { calendarOf, type CalendarRule } from '../../../src/recurring/calendar.js'

/** The times of a rule, `from` inclusive. */
export function timesOf(rule: Omit<CalendarRule, 'id'>, from: number, to: number): number[] {
  const calendar = calendarOf({ id: 'i', ...rule })
  const times: number[] = []
  for (let time = calendar.next(from - 1); time !== undefined && time < to; time = calendar.next(time)) times.push(time)
  return times
}
