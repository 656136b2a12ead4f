import { calendarOf } from './calendar.js'
import type { RecurringDefinition } from './definition.js'
import { nextTime } from './times.js'

/** Nobody waits for a later end, and counting up to it takes long. */
const CENTURY_MS = 100 * 365 * 86_400_000

/** The definition as of `now`, when it is set or resumed: its times are later, and `limit` ends it. */
export function activeFrom(definition: RecurringDefinition, now: number): RecurringDefinition {
  const { endsAt: _endsAt, ...rest } = definition
  const active = { ...rest, since: now, paused: false }
  const { limit, counted, until = Infinity } = active
  const last = limit === undefined ? undefined : nthTime(active, limit - counted)
  const endsAt = Math.min(last ?? Infinity, until)
  return endsAt === Infinity ? active : { ...active, endsAt }
}

/** The definition with its active time up to `now` counted. Paused again, it stays as it is. */
export function pausedAt(definition: RecurringDefinition, now: number): RecurringDefinition {
  if (definition.paused) return definition
  const { endsAt: _endsAt, ...rest } = definition
  return { ...rest, since: now, paused: true, counted: countAt(definition, now) }
}

/** The definition active again. Active already, it stays as it is. */
export function resumedAt(definition: RecurringDefinition, now: number): RecurringDefinition {
  return definition.paused ? activeFrom(definition, now) : definition
}

/** How many times of `limit` are over. */
function countAt(definition: RecurringDefinition, now: number): number {
  const { limit = 0 } = definition
  let { counted } = definition
  for (let at = definition.since; counted < limit; counted++) {
    const time = nextTime(definition, at)
    if (time === undefined || time > now) break
    at = time
  }
  return counted
}

/** The n-th time after `since`. Before the first one if n is 0. Undefined if there are not as many in a hundred years. */
function nthTime(definition: RecurringDefinition, n: number): number | undefined {
  const { since, from = since } = definition
  const calendar = calendarOf(definition)
  let at = Math.max(since, from - 1)
  const last = Math.min(at + CENTURY_MS, definition.until ?? Infinity)
  for (let i = 0; i < n; i++) {
    const time = calendar.next(at)
    if (time === undefined || time > last) return undefined
    at = time
  }
  return at
}
