import type { ChannelModel } from 'amqplib'
import type { Names } from '../amqp/topology/names.js'
import { withConnection } from '../amqp/connection/operator-connection.js'
import { streamEnd, streamStart } from '../amqp/receive/stream-end.js'
import { readRange } from '../amqp/receive/stream-range.js'
import { errorText } from '../base/errors.js'
import { HORIZONS, type Horizon } from '../log/horizons.js'
import { journalLayout } from '../log/log-layout.js'
import { readLines } from '../log/lines.js'
import type { OperatorSettings } from './operator-settings.js'

/** A journal of waiting messages. */
export interface JournalStatus {
  /** Messages that were scheduled with a journal since then are in it. Null if it could not be read. */
  since: string | null
  /** How many records it has, also those of messages that are due already: an estimate. Null if it could not be read. */
  records: number | null
  /** Why it could not be read. */
  unread?: string
}

/**
 * A look at so many places of a stream, and so many of its messages there, tells how many records a message has. They are in memory
 * together, and may have 256 KiB each.
 */
const [PLACES, MESSAGES] = [8, 8]

/**
 * The state of a journal, by its streams. Null without any.
 *
 * @param isThere whether a queue is there
 */
export async function journalStatus(
  settings: OperatorSettings,
  isThere: (queue: string) => boolean,
): Promise<JournalStatus | null> {
  const streams = streamsThere(settings.names, isThere)
  if (streams.length === 0) return null
  return orUnread(withConnection(settings, async (connection) => statusOf(await connection.ready(), streams)))
}

/** The same on a connection that is open. */
export async function journalStatusOn(
  model: ChannelModel,
  names: Names,
  isThere: (queue: string) => boolean,
): Promise<JournalStatus | null> {
  const streams = streamsThere(names, isThere)
  return streams.length === 0 ? null : orUnread(statusOf(model, streams))
}

type LogStream = Pick<StreamLook, 'horizon'> & { queue: string }

function streamsThere(names: Names, isThere: (queue: string) => boolean): LogStream[] {
  const layout = journalLayout(names)
  return HORIZONS.flatMap((horizon) => {
    const queue = layout.stream(horizon)
    return isThere(queue) ? [{ horizon, queue }] : []
  })
}

async function statusOf(model: ChannelModel, streams: readonly LogStream[]): Promise<JournalStatus> {
  const all = await Promise.all(streams.map(({ horizon, queue }) => lookAt(model, queue, horizon)))
  const since = sinceOf(all, Date.now())
  const records = all.reduce((sum, one) => sum + one.records, 0)
  return { since: since === undefined ? null : new Date(since).toISOString(), records }
}

async function orUnread(look: Promise<JournalStatus>): Promise<JournalStatus> {
  try {
    return await look
  } catch (error) {
    return { since: null, records: null, unread: errorText(error) }
  }
}

interface StreamLook {
  horizon: Horizon
  /** Of the first record. */
  writtenAt: number | undefined
  records: number
}

async function lookAt(model: ChannelModel, queue: string, horizon: Horizon): Promise<StreamLook> {
  const start = await streamStart(model, queue)
  const end = start && (await streamEnd(model, queue))
  if (!end) return { horizon, writtenAt: undefined, records: 0 }
  const records = await estimate(model, queue, { first: start.offset, last: end.offset })
  return { horizon, writtenAt: start.writtenAt, records }
}

/** Records of some places tell how many there are in all. */
async function estimate(
  model: ChannelModel,
  queue: string,
  { first, last }: { first: number; last: number },
): Promise<number> {
  const messages = last - first + 1
  const places = Math.min(PLACES, Math.ceil(messages / MESSAGES))
  let [seen, lines] = [0, 0]
  for (let place = 0; place < places; place++) {
    const from = first + Math.floor((place * messages) / places)
    for (const { body } of await readRange(model, { queue, first: from, last: Math.min(from + MESSAGES - 1, last) })) {
      seen++
      readLines(
        body,
        () => lines++,
        () => undefined,
      )
    }
  }
  return seen === 0 ? 0 : Math.round((lines * messages) / seen)
}

/** A stream that begins later than its horizon ago does not have every message that may wait. */
function sinceOf(streams: readonly StreamLook[], now: number): number | undefined {
  const begins = streams.flatMap(({ horizon, writtenAt }) => (writtenAt === undefined ? [] : [{ horizon, writtenAt }]))
  const late = begins.filter(({ horizon, writtenAt }) => writtenAt > now - horizon.ms)
  if (begins.length === 0) return undefined
  return late.length > 0
    ? Math.max(...late.map(({ writtenAt }) => writtenAt))
    : Math.min(...begins.map(({ writtenAt }) => writtenAt))
}
