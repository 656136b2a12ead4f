import { calendarOf, numberOf } from './calendar.js'
import { MAX_DELAY_MS } from '../message/due.js'
import type { RecurringDefinition } from './definition.js'

/** A time is missed when its tick is handled more than this after it. */
const MISSED_MS = 10_000
/** Of `catchUp: 'all'`, for one tick. */
const MAX_CATCH_UP = 1000
/** A tick comes at least this much before its time: a second more than a minute, so that the ticker can choose the moment. */
const LEAD_MS = 61_000
/** Over which the ticks of one time are spread. */
const MAX_SPREAD_MS = 5 * 60_000

/** An occurrence is scheduled at most this much before its time. */
export const MOST_AHEAD_MS = LEAD_MS + MAX_SPREAD_MS

/** So long after another ticker has become the active one, every occurrence of its predecessor is due: clocks differ. */
export const PREDECESSOR_MS = MOST_AHEAD_MS + 10_000

/**
 * The times of one window are those of one tick. It fits in with {@link MOST_AHEAD_MS}: where two times are within a window, their
 * ticks are spread over a quarter of it at most.
 */
export const WINDOW_MS = 240_000

/** The first time later than `after`, in milliseconds since the epoch. Undefined once the schedule ends. A pause means nothing. */
export function nextTime(definition: RecurringDefinition, after: number): number | undefined {
  const { since, from = since, until, endsAt = until } = definition
  const time = calendarOf(definition).next(Math.max(after, since, from - 1))
  return time === undefined || (endsAt !== undefined && time > endsAt) ? undefined : time
}

/**
 * The times of the calendar from `from` on and before `to`, within those of the definition: also times before it was set, or beyond
 * its `limit`.
 */
export function* timesBetween(definition: RecurringDefinition, from: number, to: number): Generator<number> {
  const { until = Infinity } = definition
  const calendar = calendarOf(definition)
  let time = calendar.next(Math.max(from, definition.from ?? from) - 1)
  while (time !== undefined && time < to && time <= until) {
    yield time
    time = calendar.next(time)
  }
}

/** What a tick does. Without a next time, the schedule has ended. */
export interface TimesOfTick {
  /** The times to run. */
  readonly run: readonly number[]
  /** The time of the next tick. It may be over. */
  readonly next: number | undefined
}

/**
 * What a tick does that is handled now. Its times are those from its own one up to the end of the window. Windows are fixed, so
 * that whoever handles a tick of a window goes on with the same next one. Of missed times, `catchUp` decides.
 */
export function timesOfTick(
  definition: RecurringDefinition,
  time: number,
  now: number,
  windowMs = WINDOW_MS,
): TimesOfTick {
  const missedBefore = now - MISSED_MS
  if (time >= missedBefore) {
    // A change cancels no occurrence that is further ahead.
    const end = Math.min(windowEnd(definition, time, windowMs), now + MOST_AHEAD_MS)
    return timesUntil(definition, time, end)
  }
  const { catchUp, catchUpWindowMs } = definition
  const first = Math.max(time, Math.ceil(now - catchUpWindowMs))
  const run = catchUp === 'none' ? [] : missedTimes(definition, first, missedBefore, catchUp)
  return { run, next: nextTime(definition, run.at(-1) ?? missedBefore - 1) }
}

/** The time itself, and the later ones before the end. */
function timesUntil(definition: RecurringDefinition, time: number, end: number): TimesOfTick {
  const run = [time]
  let next = nextTime(definition, time)
  for (; next !== undefined && next < end; next = nextTime(definition, next)) run.push(next)
  return { run, next }
}

/** Whether no earlier time is in its window, so that no other tick schedules its occurrence. */
export function isFirstOfWindow(definition: RecurringDefinition, time: number, windowMs = WINDOW_MS): boolean {
  return nextTime(definition, windowEnd(definition, time, windowMs) - windowMs - 1) === time
}

/** Of the window that a time is in. Those of different schedules begin apart, whatever the phases of their times are. */
function windowEnd({ id }: RecurringDefinition, time: number, windowMs: number): number {
  const phase = Math.floor(numberOf(id) / 2 ** 24) % windowMs
  return (Math.floor((time - phase) / windowMs) + 1) * windowMs + phase
}

/**
 * When a tick is due. The ticks of many schedules that share a time are spread. The times of an interval without `from` are spread
 * already, by the same number: a part of that number more would bring ticks together again.
 */
export function tickDue(definition: RecurringDefinition, time: number): number {
  if (definition.everyMs !== undefined && definition.from === undefined) return time - LEAD_MS
  const intervalMs = (nextTime(definition, time) ?? Infinity) - time
  const spreadMs = Math.max(1, Math.floor(Math.min(intervalMs / 4, MAX_SPREAD_MS)))
  return time - LEAD_MS - (numberOf(definition.id) % spreadMs)
}

/** When the occurrence of a time is due: the time and the jitter, which is always the same for it. */
export function jittered({ id, jitterMs }: RecurringDefinition, time: number): number {
  return jitterMs === 0 ? time : time + (numberOf(`${id}@${time}`) % (jitterMs + 1))
}

function missedTimes(definition: RecurringDefinition, from: number, to: number, catchUp: 'once' | 'all'): number[] {
  if (catchUp === 'once') return lastTime(definition, from, to)
  const times: number[] = []
  for (let time = nextTime(definition, from - 1); time !== undefined && time < to; time = nextTime(definition, time)) {
    times.push(time)
    if (times.length === MAX_CATCH_UP) break
  }
  return times
}

/** The last time from `from` on and before `to`, if there is one. Searched by halves: there may be a million. */
function lastTime(definition: RecurringDefinition, from: number, to: number): number[] {
  const hasLater = (after: number) => (nextTime(definition, after) ?? Infinity) < to
  let [low, high] = [Math.floor(from) - 1, Math.ceil(to)]
  if (!hasLater(low)) return []
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (hasLater(middle)) low = middle
    else high = middle
  }
  return [high]
}

/** Beginnings of a span that holds the last times, one further back than the other. */
const [FIRST_SPAN_MS, SPANS] = [60_000, 15]

/**
 * The last times of the calendar before `now`, the latest first, within those of the definition: whether messages were sent then or
 * not. Looked for in longer and longer spans, since a calendar tells only the next time; of ten years at most.
 */
export function lastTimes(definition: RecurringDefinition, now: number, n: number): number[] {
  // Most often there is one. To find none takes long, and would for each span.
  const [first] = timesBetween(definition, now - MAX_DELAY_MS, now)
  if (first === undefined) return []
  let times: number[] = []
  let to = now
  for (let span = 0; span < SPANS && times.length < n; span++) {
    const from = now - Math.min(FIRST_SPAN_MS * 4 ** span, MAX_DELAY_MS)
    const found: number[] = []
    for (const time of timesBetween(definition, from, to)) {
      found.push(time)
      if (found.length > n) found.shift()
    }
    times = [...found, ...times].slice(-n)
    to = from
  }
  return times.reverse()
}
