import type { StandardSchemaV1 } from '@standard-schema/spec'
import { aText, anything, checkOptions, type Rule, type Rules } from '../base/checks.js'
import { errorText } from '../base/errors.js'
import type { Destination, HeaderValue, ScheduleItem, ScheduleOptions } from '../index.js'
import { defineMessage } from '../message/definition.js'
import { parseJson } from './json.js'

/** What the options of `dueque schedule`, or the fields of a line, say about a message. */
export interface Fields {
  in?: number | string | undefined
  at?: string | undefined
  queue?: string | undefined
  exchange?: string | undefined
  key?: string | undefined
  id?: string | undefined
  name?: string | undefined
  schemaVersion?: number | undefined
  headers?: Record<string, HeaderValue> | undefined
  priority?: number | undefined
  correlationId?: string | undefined
  expiresIn?: number | string | undefined
}

export const LINE_HELP = `
Lines (on standard input, or in a --file named *.ndjson or *.jsonl):
  {"data": <payload, any JSON>, "in" | "at": …, "id": …, "queue" | "exchange": …, "key": …,
   "name": …, "headers": {…}, "priority": …, "correlationId": …, "expiresIn": …,
   "schemaVersion": …}
Only "data" is required; any other field takes the place of the option of the same name for its line, and a field of
another name makes it a bad line. With --raw each line is the payload itself, whatever it holds: no field is looked at.
A bad line is reported with its number and the others go on. Empty lines count, and are passed over.`

/**
 * The form of a line never depends on its content: an object with `data`, or with --raw the payload. Nothing is guessed,
 * so a payload that happens to have a field `in` or `id` cannot be taken for an instruction.
 */
const aDelay: Rule = (value) =>
  typeof value === 'number' || typeof value === 'string' ? undefined : 'milliseconds or a duration'
const aNumber: Rule = (value) => (typeof value === 'number' ? undefined : 'a number')
const headerFields: Rule = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object'

const LINE_RULES: Rules<Fields & { data: unknown }> = {
  data: anything,
  in: aDelay,
  at: aText,
  queue: aText,
  exchange: aText,
  key: aText,
  id: aText,
  name: aText,
  schemaVersion: aNumber,
  headers: headerFields,
  priority: aNumber,
  correlationId: aText,
  expiresIn: aDelay,
}

/** @throws Error that says what is wrong with the line */
export function itemOfLine(text: string, options: Fields, raw: boolean): ScheduleItem {
  const value = parseJson(text)
  if (raw) return itemOf(value, options)
  if (!Object.hasOwn(Object(value) as object, 'data'))
    throw new Error('expected {"data": …} with a payload, unless --raw is given')
  try {
    checkOptions(value, LINE_RULES)
  } catch (error) {
    throw new Error(errorText(error), { cause: error })
  }
  const { data, ...fields } = value as Fields & { data: unknown }
  return itemOf(data, merge(options, fields))
}

/** The schema of a payload that is sent as it is. */
const ANYTHING: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'dueque', validate: (value) => ({ value }) },
}

/** @throws DuequeError `INVALID_OPTION` for a name or version; the rest is checked when it is scheduled */
export function itemOf(payload: unknown, fields: Fields): ScheduleItem {
  const { in: delay, at, id } = fields
  const { message, options } = contentOf(payload, fields)
  if (options.to === undefined) throw new Error('no destination: a queue or an exchange is needed')
  if (delay === undefined && at === undefined) throw new Error('no due time: `in` or `at` is needed')
  return { message, payload, options: { ...options, in: delay, at, id } as ScheduleOptions }
}

/** A message without its id and due time. @throws DuequeError as {@link itemOf} */
export function contentOf(payload: unknown, fields: Fields) {
  const { name = 'message', schemaVersion = 1, queue, exchange, key } = fields
  const { headers, priority, correlationId, expiresIn } = fields
  const hasDestination = queue !== undefined || exchange !== undefined
  const to = hasDestination ? ({ queue, exchange, routingKey: key } as Destination) : undefined
  return {
    message: defineMessage(name, ANYTHING, { version: schemaVersion }),
    payload,
    options: { to, headers, priority, correlationId, expiresIn },
  }
}

/** `queue` and `exchange` replace each other, as do `in` and `at`; headers are merged by name. */
function merge(options: Fields, line: Fields): Fields {
  const due = line.in === undefined && line.at === undefined ? options : line
  const to = line.queue === undefined && line.exchange === undefined ? options : line
  const given = Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined)) as Fields
  return {
    ...options,
    ...given,
    in: due.in,
    at: due.at,
    queue: to.queue,
    exchange: to.exchange,
    key: line.key ?? (to.queue === undefined ? options.key : undefined),
    headers: { ...options.headers, ...line.headers },
  }
}
