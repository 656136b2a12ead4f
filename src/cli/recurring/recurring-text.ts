import type { RecurringSchedule } from '../../index.js'
import { destinationText, type Destination } from '../../message/destination.js'
import { rowsText, tableOf, type Column } from '../table.js'
import { plain } from '../terminal.js'
import type { Times } from '../terminal-times.js'

/** How many next times are shown. */
export const SHOWN_TIMES = 10

const COLUMNS: readonly Column<RecurringSchedule>[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['destination', ({ to }) => toText(to)],
  ['times', timesText],
  ['next', ({ nextAt, paused }) => nextAt ?? (paused ? 'paused' : 'ended')],
]

export function recurringTable(schedules: readonly RecurringSchedule[], times: Times): string {
  return tableOf(schedules, COLUMNS, times)
}

/** @param next the next times */
export function recurringDetails(schedule: RecurringSchedule, next: readonly Date[], times: Times): string {
  const { id, name, to, from, until, limit, jitterMs, catchUp, catchUpWindowMs, expiresInMs } = schedule
  const { headers, priority, paused, note, revision, payload } = schedule
  const rows: (readonly [string, string | undefined])[] = [
    ['id', id],
    ['note', note],
    ['name', name],
    ['destination', toText(to)],
    ['times', timesText(schedule)],
    ['from', from && times.when(from)],
    ['until', until && times.when(until)],
    ['limit', limit === undefined ? undefined : String(limit)],
    ['jitter', jitterMs > 0 ? durationText(jitterMs) : undefined],
    ['catch up', catchUp === 'none' ? catchUp : `${catchUp}, within ${durationText(catchUpWindowMs)}`],
    ['expires in', expiresInMs === undefined ? undefined : durationText(expiresInMs)],
    ['priority', priority === undefined ? undefined : String(priority)],
    ['revision', String(revision)],
    ...Object.entries(headers).map(([header, value]) => [`header ${header}`, JSON.stringify(value)] as const),
    ['payload', JSON.stringify(payload)],
    ['next', paused ? 'paused' : next[0] ? times.when(next[0]) : 'ended'],
    ...next.slice(1).map((time) => ['', times.when(time)] as const),
  ]
  return rowsText(
    rows.flatMap(([label, value]) => (value === undefined ? [] : [[plain(label), plain(value)] as const])),
  )
}

export function timesText({ cron, tz, everyMs }: Pick<RecurringSchedule, 'cron' | 'tz' | 'everyMs'>): string {
  return cron === undefined ? `every ${durationText(everyMs ?? 0)}` : `${cron} ${tz ?? ''}`.trimEnd()
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** As an option takes it: `1d2h`. */
export function durationText(ms: number): string {
  let rest = ms
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count > 0 ? [`${count}${unit}`] : []
  })
  return parts.join('') || '0ms'
}

function toText(to: Destination): string {
  const { routingKey } = to
  return `${destinationText(to)}${routingKey ? ` ${routingKey}` : ''}`
}
