import { isDeepStrictEqual } from 'node:util'
import { isInteger } from '../base/checks.js'
import { LATEST_MS } from '../base/clock.js'
import { shown } from '../base/errors.js'
import type { Destination } from '../message/destination.js'
import type { Headers } from '../message/headers.js'
import { isDestination } from '../message/stored-message.js'
import type { DefinitionRecord } from '../strategies/recurring-definitions.js'
import { calendarOf } from './calendar.js'

/** The definition of a recurring message, checked. Times are milliseconds since the epoch. */
export interface RecurringDefinition {
  readonly id: string
  /** As of a message: of two definitions under an id, the one with the greater revision counts. */
  readonly revision: number
  /** Of the message, as is the version. */
  readonly name: string
  readonly version: number
  /** The payload as JSON. */
  readonly body: string
  readonly to: Destination
  readonly headers: Headers
  readonly priority: number | undefined
  /** There is a pattern and a zone, or `everyMs`. */
  readonly cron?: string
  readonly tz?: string
  readonly everyMs?: number
  readonly from?: number
  readonly until?: number
  readonly limit?: number
  /** When it was set, or resumed: its times are later. */
  readonly since: number
  /** Times that count for `limit` and were before `since`. */
  readonly counted: number
  /** The last instant that may be a time: that of `until`, or of the last time within `limit`. */
  readonly endsAt?: number
  readonly jitterMs: number
  readonly catchUp: 'once' | 'none' | 'all'
  readonly catchUpWindowMs: number
  readonly expiresInMs: number | undefined
  readonly paused: boolean
  readonly note: string | undefined
}

/** Of `every`, in milliseconds. */
export const MIN_EVERY_MS = 1000
/** Of `limit`: its end is computed time by time, about 0.1 ms each. */
export const MAX_TIMES = 1000

/** Another number here means that older processes cannot read it. */
const FORMAT = 1

/** @param former the record of the same content in another state: what a later version has added to it is kept */
export function encodeDefinition(
  { id, revision, body, ...rest }: RecurringDefinition,
  former?: DefinitionRecord,
): DefinitionRecord {
  // JSON leaves out undefined fields.
  const fields = { ...laterFields(former), format: FORMAT, ...rest, payload: JSON.parse(body) as unknown }
  return { id, revision, definition: JSON.stringify(fields) }
}

/**
 * Later versions may add fields, which are left out here.
 *
 * @throws Error for what is no definition that this version reads, or has a pattern or time zone that is not known here
 */
export function decodeDefinition({ id, revision, definition }: DefinitionRecord): RecurringDefinition {
  const fields = Object(JSON.parse(definition ?? 'null')) as Record<string, unknown>
  if (fields['format'] !== FORMAT)
    throw new Error(`a definition of format ${shown(fields['format'])}: this version reads ${FORMAT}`)
  if (fields['payload'] === undefined) throw new Error('not a definition: the payload is missing')
  for (const [field, isOne] of FIELDS)
    if (!isOne(fields[field])) throw new Error(`not a definition: ${field} is ${shown(fields[field])}`)
  const known = Object.fromEntries(FIELDS.map(([field]) => [field, fields[field]]))
  const body = JSON.stringify(fields['payload'])
  const decoded = { ...known, id, revision, body } as unknown as RecurringDefinition
  calendarOf(decoded)
  return decoded
}

/** Whether two definitions under an id have the same content and state: all but revision and books of `limit`. */
export function isSame(a: RecurringDefinition, b: RecurringDefinition): boolean {
  return isDeepStrictEqual(contentOf(a), contentOf(b))
}

/** As objects, in which the order of keys means nothing, without fields that are undefined. */
function contentOf(definition: RecurringDefinition): unknown {
  const { body, revision: _revision, since: _since, counted: _counted, endsAt: _endsAt, ...content } = definition
  return JSON.parse(JSON.stringify({ ...content, payload: JSON.parse(body) as unknown }))
}

function laterFields(record: DefinitionRecord | undefined): object {
  const fields = Object.entries(JSON.parse(record?.definition ?? '{}') as object)
  return Object.fromEntries(fields.filter(([field]) => !Object.hasOwn(IS, field)))
}

const isText = (value: unknown) => typeof value === 'string'
const isTime = (value: unknown) => isInteger(value, -LATEST_MS, LATEST_MS)
const isCount = (value: unknown) => isInteger(value, 0)
const isPositive = (value: unknown) => isInteger(value, 1)
const isTable = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
const orNone = (is: (value: unknown) => boolean) => (value: unknown) => value === undefined || is(value)

type Stored = Exclude<keyof RecurringDefinition, 'id' | 'revision' | 'body'>

/** Of a definition as it is written, beside its payload. A field that is missing here does not compile. */
const IS: Record<Stored, (value: unknown) => boolean> = {
  name: isText,
  version: isPositive,
  to: isDestination,
  headers: isTable,
  priority: orNone(isCount),
  cron: orNone(isText),
  tz: orNone(isText),
  everyMs: orNone((value) => isInteger(value, MIN_EVERY_MS)),
  from: orNone(isTime),
  until: orNone(isTime),
  limit: orNone((value) => isInteger(value, 1, MAX_TIMES)),
  since: isTime,
  counted: isCount,
  endsAt: orNone(isTime),
  jitterMs: isCount,
  catchUp: (value) => value === 'once' || value === 'none' || value === 'all',
  catchUpWindowMs: isCount,
  expiresInMs: orNone(isPositive),
  paused: (value) => typeof value === 'boolean',
  note: orNone(isText),
}
const FIELDS = Object.entries(IS)
