import type { InnerParts } from '../../inner-parts.js'
import type { Recurring, RecurringSchedule } from '../../recurring/recurring.js'
import { readDefinition } from '../../recurring/schedule-view.js'
import { lastTimes } from '../../recurring/times.js'
import type { RecurringChange, RecurringDetails, RecurringList, RecurringRow } from '../api.js'
import { badRequest, notFound, Refused } from '../http/refused.js'
import { given, numberOf } from './parameters.js'
import type { Asked, Routes } from './route.js'
import { destinationLabel } from './texts.js'

/** How many times are shown, of those to come and of those that are over. */
const TIMES = 10

/** A connection has them if its strategy keeps definitions. */
interface Methods {
  readonly recurring?: Recurring
}

export function recurringRoutes(mq: Methods, parts: InnerParts): Routes {
  return {
    recurring: { answer: ({ query }) => listOf(methodsOf(mq), query) },
    'recurring/one': { answer: (asked) => detailsOf(methodsOf(mq), parts, asked) },
  }
}

export function recurringChanges(mq: Methods): Routes {
  return {
    'recurring/change': {
      needs: 'recurring',
      answer: ({ body }) => change(methodsOf(mq), body),
    },
  }
}

function methodsOf({ recurring }: Methods): Recurring {
  if (recurring) return recurring
  throw new Refused(409, 'NOT_FOUND', 'the strategy of this connection keeps no recurring messages')
}

async function listOf(recurring: Recurring, query: URLSearchParams): Promise<RecurringList> {
  const [idPrefix, cursor, limit] = [given(query, 'idPrefix'), given(query, 'cursor'), numberOf(query, 'limit')]
  const page = await recurring.list({ idPrefix, cursor, limit })
  return { schedules: page.schedules.map(rowOf), cursor: page.cursor ?? null }
}

async function detailsOf(
  recurring: Recurring,
  parts: InnerParts,
  { query, permissions }: Asked,
): Promise<RecurringDetails> {
  const id = given(query, 'id')
  if (id === undefined) throw badRequest('id: expected the id of a recurring message')
  const schedule = await recurring.get(id)
  if (!schedule) throw notFound('there is no such recurring message any more')
  const { from, until, limit, jitterMs, catchUp, headers, payload } = schedule
  return {
    ...rowOf(schedule),
    from: textOf(from),
    until: textOf(until),
    limit: limit ?? null,
    ...{ jitterMs, catchUp, headers },
    ...(permissions.has('payloads') && { payload }),
    next: (await recurring.next(id, TIMES)).map((at) => at.toISOString()),
    last: await lastOf(parts, id),
  }
}

/** Of its calendar, the latest first. */
async function lastOf({ options: { strategy, clock } }: InnerParts, id: string): Promise<string[]> {
  const record = await strategy.definitions?.get(id)
  if (!record) return []
  const times = lastTimes(readDefinition(record, strategy.name), clock.now(), TIMES)
  return times.map((time) => new Date(time).toISOString())
}

function rowOf(schedule: RecurringSchedule): RecurringRow {
  const { id, name, to, cron, tz, everyMs, paused, note, nextAt } = schedule
  return {
    id,
    name,
    destination: destinationLabel(to),
    cron: cron ?? null,
    tz: tz ?? null,
    everyMs: everyMs ?? null,
    paused,
    note: note ?? null,
    nextAt: textOf(nextAt),
  }
}

async function change(recurring: Recurring, { id, action }: Partial<RecurringChange>): Promise<{ changed: boolean }> {
  if (typeof id !== 'string' || id === '') throw badRequest('id: expected the id of a recurring message')
  switch (action) {
    case 'pause':
    case 'resume':
    case 'remove':
      return { changed: await recurring[action](id) }
    case 'trigger':
      await recurring.trigger(id)
      return { changed: true }
    case undefined:
    default:
      throw badRequest('action: expected pause, resume, trigger or remove')
  }
}

function textOf(date: Date | undefined): string | null {
  return date?.toISOString() ?? null
}
