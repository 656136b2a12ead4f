import { aText, anything, checkOptions, flag, type Rule, type Rules } from '../../base/checks.js'
import type { RecurringOptions } from '../../index.js'
import { contentOf, type Fields } from '../item.js'

/** What the options of `dueque recurring set`, or the fields of a file, say about a schedule. */
export interface RecurringFields extends Omit<Fields, 'in' | 'at' | 'correlationId'> {
  cron?: string | undefined
  tz?: string | undefined
  every?: number | string | undefined
  from?: string | undefined
  until?: string | undefined
  limit?: number | undefined
  jitter?: number | string | undefined
  catchUp?: 'once' | 'none' | 'all' | undefined
  catchUpWindow?: number | string | undefined
  paused?: boolean | undefined
  note?: string | undefined
}

const aDuration: Rule = (value) =>
  typeof value === 'number' || typeof value === 'string' ? undefined : 'milliseconds or a duration'
const aNumber: Rule = (value) => (typeof value === 'number' ? undefined : 'a number')
const aTable: Rule = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object'

/** The values themselves are checked when it is set. */
const FILE_RULES: Rules<RecurringFields & { data: unknown }> = {
  data: anything,
  id: aText,
  queue: aText,
  exchange: aText,
  key: aText,
  name: aText,
  schemaVersion: aNumber,
  headers: aTable,
  priority: aNumber,
  expiresIn: aDuration,
  cron: aText,
  tz: aText,
  every: aDuration,
  from: aText,
  until: aText,
  limit: aNumber,
  jitter: aDuration,
  catchUp: aText,
  catchUpWindow: aDuration,
  paused: flag,
  note: aText,
}

/** A schedule, as `set` takes it. */
export interface RecurringEntry {
  readonly id: string
  readonly options: RecurringOptions
}

/** @param path of the entry in its file, such as `[3]` @throws DuequeError `INVALID_OPTION` */
export function entryOf(value: unknown, path: string): RecurringEntry {
  checkOptions(value, FILE_RULES, path)
  const { data = null, id, ...fields } = value as RecurringFields & { data: unknown }
  return { id: id ?? '', options: optionsOf(data, fields) }
}

/** @throws DuequeError `INVALID_OPTION` for a name or version; the rest is checked when it is set */
export function optionsOf(payload: unknown, fields: RecurringFields): RecurringOptions {
  const { cron, tz, every, from, until, limit, jitter, catchUp, catchUpWindow, paused, note } = fields
  const { message, options } = contentOf(payload, fields)
  const { correlationId: _, ...content } = options
  const times = { cron, tz, every, from, until, limit, jitter, catchUp, catchUpWindow }
  return { message, payload, ...content, ...times, paused, note } as RecurringOptions
}
