import { optionText } from '../../base/duration-text.js'
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
    ['jitter', jitterMs > 0 ? optionText(jitterMs) : undefined],
    ['catch up', catchUp === 'none' ? catchUp : `${catchUp}, within ${optionText(catchUpWindowMs)}`],
    ['expires in', expiresInMs === undefined ? undefined : optionText(expiresInMs)],
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
  return cron === undefined ? `every ${optionText(everyMs ?? 0)}` : `${cron} ${tz ?? ''}`.trimEnd()
}

function toText(to: Destination): string {
  const { routingKey } = to
  return `${destinationText(to)}${routingKey ? ` ${routingKey}` : ''}`
}
