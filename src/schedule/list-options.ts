import { isDate } from 'node:util/types'
import { aText, anything, checkOptions, group, integer, nonEmptyText, type Rules } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import { checkDestination, type Destination } from '../message/destination.js'
import { checkHeaders } from '../message/headers.js'
import { positionOf, type Position, type WaitlistFilter } from '../strategies/waiting-view.js'
import type { ListOptions, WaitingFilter } from './waiting.js'

const FILTER_RULES: Rules<WaitingFilter> = {
  // Their values are checked where they are read.
  due: group({ from: anything, to: anything }),
  name: aText,
  destination: anything,
  // Often a variable that is not set: an empty text would fit every message.
  idPrefix: nonEmptyText,
  headers: anything,
}

const LIST_RULES: Rules<ListOptions> = { ...FILTER_RULES, limit: integer(1, 1000), cursor: aText }

/** @throws DuequeError `INVALID_OPTION` */
export function checkList(options: ListOptions): {
  filter: WaitlistFilter
  after: Position | undefined
  limit: number
} {
  checkOptions(options, LIST_RULES)
  const { limit = 100, cursor } = options
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  return { filter: resolveFilter(options), after, limit }
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkFilter(filter: WaitingFilter): WaitlistFilter {
  checkOptions(filter, FILTER_RULES)
  return resolveFilter(filter)
}

function resolveFilter({ due = {}, name, destination, idPrefix, headers }: WaitingFilter): WaitlistFilter {
  const checked = checkHeaders(headers)
  const [from, to] = [checkDate('due.from', due.from), checkDate('due.to', due.to)]
  if (from !== undefined && to !== undefined && from >= to) throw invalidOption('due', '`from` before `to`', due)
  return {
    // Without headers no message is left out, and a store answers faster.
    headers: Object.keys(checked).length === 0 ? undefined : checked,
    idPrefix,
    from,
    to,
    name,
    destination: destination === undefined ? undefined : checkFilterDestination(destination),
  }
}

/** Unlike a destination to send to, its exchange needs no routing key. */
function checkFilterDestination(destination: Destination): Destination {
  const checked = checkDestination(destination)
  return checked.exchange === undefined || destination.routingKey !== undefined
    ? checked
    : { exchange: checked.exchange }
}

function checkDate(option: string, date: Date | undefined): number | undefined {
  if (date === undefined) return undefined
  if (isDate(date) && !Number.isNaN(date.getTime())) return date.getTime()
  throw invalidOption(option, 'a Date', date)
}

/** The place of a message in the list, as a text that is opaque to callers. */
export function cursorOf(message: Parameters<typeof positionOf>[0]): string {
  const { readyAt, key } = positionOf(message)
  return Buffer.from(JSON.stringify([readyAt, key])).toString('base64url')
}

function parseCursor(cursor: string): Position {
  try {
    const [readyAt, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [unknown, unknown]
    if (typeof readyAt === 'number' && typeof key === 'string') return { readyAt, key }
  } catch {
    // Refused below, as any other text is.
  }
  throw invalidOption('cursor', 'the cursor of the page before', cursor)
}
