import { distanceText } from '../base/duration-text.js'

/** How a command shows instants. */
export interface Times {
  /** As seen from now: `in 3 h, 14:05`. */
  when(instant: Date): string
  /** For a line that stays on the screen, or is drawn again: `14:05:03`. */
  clock(instant: Date): string
}

/** For programs and files, and for people who ask for it. */
export const utcTimes: Times = { when: isoOf, clock: isoOf }

/** For the person in front of a terminal, in the time zone of this machine. A day other than today is named. */
export function localTimes(now: () => Date = () => new Date()): Times {
  const withDay = (instant: Date, time: string) =>
    dayOf(instant) === dayOf(now()) ? time : `${dayOf(instant)} ${time}`
  return {
    when: (instant) =>
      `${distanceText(instant.getTime() - now().getTime())}, ${withDay(instant, timeOf(instant).slice(0, 'HH:MM'.length))}`,
    clock: (instant) => withDay(instant, timeOf(instant)),
  }
}

function isoOf(instant: Date): string {
  return instant.toISOString()
}

function dayOf(instant: Date): string {
  return [instant.getFullYear(), instant.getMonth() + 1, instant.getDate()].map(twoDigits).join('-')
}

function timeOf(instant: Date): string {
  return [instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(twoDigits).join(':')
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
