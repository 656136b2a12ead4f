import type { InnerParts } from '../../inner-parts.js'
import { readyAt } from '../../message/delayed-message.js'
import { userHeaders } from '../../message/headers.js'
import { isoTime } from '../../message/iso-time.js'
import { checkList, cursorOf } from '../../schedule/list-options.js'
import type { JournalledMessage, ListedMessage, WaitingView } from '../../strategies/waiting-view.js'
import type { Payload, Timeline, WaitingDetails, WaitingList, WaitingRow } from '../api.js'
import { badRequest, notFound, Refused } from '../http/refused.js'
import { filterOf, searchOf } from '../search.js'
import { shortListOf, type WaitingSource } from '../waiting-source.js'
import { given, numberOf } from './parameters.js'
import type { Routes } from './route.js'
import { destinationLabel, payloadText } from './texts.js'

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000]

/** The units of a timeline, and how many there are. */
const RANGES: Readonly<Record<string, { unit: Timeline['unit']; spanMs: number; spans: number }>> = {
  hour: { unit: 'minute', spanMs: MINUTE_MS, spans: 60 },
  day: { unit: 'hour', spanMs: HOUR_MS, spans: 24 },
  week: { unit: 'day', spanMs: DAY_MS, spans: 7 },
}

export function waitingRoutes({ options: { clock } }: Pick<InnerParts, 'options'>, source: WaitingSource): Routes {
  return {
    waiting: { answer: async ({ query }) => listOf(await source.needed(), query) },
    'waiting/count': {
      answer: async ({ query }) => ({ count: await (await source.needed()).count(filterOf(searchOf(query))) }),
    },
    'waiting/message': { answer: async ({ query }) => detailsOf(await messageOf(await source.needed(), query)) },
    'waiting/payload': {
      needs: 'payloads',
      answer: async ({ query }) => payloadOf(await messageOf(await source.needed(), query)),
    },
    timeline: { answer: async ({ query }) => timelineOf(await source.needed(), query, clock.now()) },
  }
}

async function listOf(view: WaitingView, query: URLSearchParams): Promise<WaitingList> {
  const { after, limit } = checkList({ cursor: given(query, 'cursor'), limit: numberOf(query, 'limit') })
  const messages = await shortListOf(view)(filterOf(searchOf(query)), { after, limit })
  const last = messages.length === limit ? messages.at(-1) : undefined
  return { messages: messages.map(rowOf), cursor: last ? cursorOf(last) : null }
}

async function timelineOf(view: WaitingView, query: URLSearchParams, now: number): Promise<Timeline> {
  const name = query.get('range') ?? 'hour'
  const range = Object.hasOwn(RANGES, name) ? RANGES[name] : undefined
  if (!range) throw badRequest(`range: expected one of ${Object.keys(RANGES).join(', ')}`)
  const { unit, spanMs, spans } = range
  const from = Math.floor(now / spanMs) * spanMs
  const to = from + (spans + 1) * spanMs
  const filter = filterOf(searchOf(query))
  const [least, most] = [Math.max(filter.from ?? from, from), Math.min(filter.to ?? to, to)]
  const counts = least < most ? await view.countBy({ ...filter, from: least, to: most }, spanMs) : []
  return {
    unit,
    from: isoTime(from),
    to: isoTime(to),
    counts: counts.map((span) => ({ from: isoTime(span.from), count: span.count })),
  }
}

/** @throws Refused 404 if it does not wait any more */
async function messageOf(view: WaitingView, query: URLSearchParams): Promise<JournalledMessage> {
  const id = given(query, 'id')
  if (id === undefined) throw badRequest('id: expected the id of a message')
  const revision = numberOf(query, 'revision')
  const found = await view.find(id)
  const message = revision === undefined ? found[0] : found.find((one) => one.revision === revision)
  if (message) return message
  throw notFound('the message does not wait any more: it was delivered, cancelled or rescheduled')
}

function rowOf(message: ListedMessage): WaitingRow {
  const { id, revision, name, destination, attempt } = message
  return {
    id,
    revision,
    readyAt: isoTime(readyAt(message)),
    name,
    destination: destinationLabel(destination),
    attempt,
  }
}

function detailsOf(message: JournalledMessage): WaitingDetails {
  const { dueAt, scheduledAt, headers, body } = message
  return {
    ...rowOf(message),
    dueAt: isoTime(dueAt),
    scheduledAt: isoTime(scheduledAt),
    headers: userHeaders(headers),
    bytes: body?.byteLength ?? null,
  }
}

function payloadOf({ body }: JournalledMessage): Payload {
  if (!body) throw new Refused(404, 'NOT_FOUND', 'the journal keeps no bodies')
  return payloadText(body)
}
