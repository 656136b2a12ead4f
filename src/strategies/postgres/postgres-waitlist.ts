import { LATEST_MS } from '../../base/clock.js'
import { destinationText, parseDestinationText } from '../../message/destination.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import type { DestinationCount } from '../destination-counts.js'
import { entryKey, fits, spanCounts, type Position, type SpanCount, type WaitlistFilter } from '../waiting-view.js'
import { isTick } from '../tick-mark.js'
import type { Waitlist } from '../waitlist.js'
import { filterMarks, isWholePrefix, storedPrefix } from '../store/marks.js'
import type { StoreFaults } from '../store/store-faults.js'
import { numberIn, type Row } from './answer.js'
import type { Value } from './database.js'
import { NOTIFY_BEFORE_MS } from './notify.js'
import type { Queries, Run } from './queries.js'
import { messageOf, replaceValues, textArray, textIn, textOf } from './row.js'

const EVER = Number.MIN_SAFE_INTEGER
const NEVER = Number.MAX_SAFE_INTEGER
/** Rows of one statement, at least, if some of them may not fit; and of one that answers no bodies. */
const [LOOKS, SHORT_LOOKS] = [100, 1000]

interface PostgresWaitlistOptions {
  queries: Queries
  channel: string
  faults: StoreFaults
  /** Called with messages that now wait until another time. */
  changed: (readyAt: number) => void
}

/** The messages that wait in the table, to look at and to change. */
export class PostgresWaitlist implements Waitlist {
  readonly #options: PostgresWaitlistOptions

  constructor(options: PostgresWaitlistOptions) {
    this.#options = options
  }

  async find(id: string): Promise<readonly DelayedMessage[]> {
    const { messages } = await this.lookUp(id, this.#options.queries.run)
    return messages.filter((message) => !isTick(message))
  }

  /** The waiting messages of an id, the latest first, and whether there are any: a row may be unreadable. */
  async lookUp(id: string, run: Run): Promise<{ messages: DelayedMessage[]; isOther: boolean }> {
    const rows = await run('find', [textOf(id)])
    const messages = rows.flatMap((row) => this.#view(row) ?? [])
    messages.sort((a, b) => b.revision - a.revision || readyAt(b) - readyAt(a))
    return { messages, isOther: rows.length > 0 }
  }

  async remove(message: DelayedMessage): Promise<boolean> {
    const removed = await this.#options.queries.run('remove', [entryKey(message)])
    return removed.length > 0
  }

  async replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const { queries, channel, changed } = this.#options
    const replaced = await queries.run('replace', [...replaceValues(message, by), channel, NOTIFY_BEFORE_MS])
    if (replaced.length > 0) changed(readyAt(by))
    return replaced.length > 0
  }

  async list(
    filter: WaitlistFilter,
    { after, limit }: { after?: Position | undefined; limit: number },
  ): Promise<readonly DelayedMessage[]> {
    const listed: DelayedMessage[] = []
    const looks = isExact(filter) ? limit : Math.max(limit, LOOKS)
    for await (const found of this.#pages('list', filter, { after, looks })) {
      listed.push(...found)
      if (listed.length >= limit) break
    }
    return listed.slice(0, limit)
  }

  async count(filter: WaitlistFilter): Promise<number> {
    if (!isExact(filter)) return (await this.#times(filter)).length
    const [row] = await this.#options.queries.run('count', [...filterValues(filter, EVER), ticksOf(filter)])
    return numberIn(row?.[0])!
  }

  async countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]> {
    if (!isExact(filter)) return spanCounts(await this.#times(filter), spanMs)
    // Anybody may have written times that no message has.
    const to = Math.min(filter.to ?? NEVER, LATEST_MS + 1)
    const values = [...filterValues({ ...filter, to }, 0), spanMs, ticksOf(filter)]
    const rows = await this.#options.queries.run('countBy', values)
    return rows.map(([from, count]) => ({ from: numberIn(from)!, count: numberIn(count)! }))
  }

  async countByDestination(): Promise<readonly DestinationCount[]> {
    const rows = await this.#options.queries.run('countByDestination', [LATEST_MS])
    return rows.flatMap(([text, count, from, to]) => {
      const destination = text === null || text === undefined ? undefined : parseDestinationText(textIn(text))
      return destination ? [{ destination, messages: numberIn(count)!, from: numberIn(from)!, to: numberIn(to)! }] : []
    })
  }

  /** When each message that fits is ready. */
  async #times(filter: WaitlistFilter): Promise<number[]> {
    const times: number[] = []
    for await (const found of this.#pages('listShort', filter, { looks: SHORT_LOOKS }))
      for (const message of found) times.push(readyAt(message))
    return times
  }

  /** All that fits, page by page. Rows that do not fit or cannot be read are no end of it. */
  async *#pages(
    statement: 'list' | 'listShort',
    filter: WaitlistFilter,
    { after, looks }: { after?: Position | undefined; looks: number },
  ): AsyncGenerator<readonly DelayedMessage[]> {
    const marks = filterMarks(filter)
    for (let place = after ?? { readyAt: EVER, key: '' }; ;) {
      const values = [...filterValues(filter, place.readyAt), marks.length > 0 ? textArray(marks) : null]
      const at = [place.readyAt, place.key, looks, ticksOf(filter)]
      const rows = await this.#options.queries.run(statement, [...values, ...at])
      yield rows.flatMap((row) => this.#view(row) ?? []).filter((message) => fits(filter, message))
      const last = rows.at(-1)
      if (!last || rows.length < looks) return
      place = { readyAt: numberIn(last[4])!, key: last[0]! }
    }
  }

  /** Undefined for a row that this version cannot read. The row stays where it is, and is reported. */
  read(key: string | null, meta: string | null, body: string | null): DelayedMessage | undefined {
    try {
      return messageOf(key, meta, body)
    } catch (error) {
      this.#options.faults.unreadable(key ?? '', error)
      return undefined
    }
  }

  /** What was released is shown as it waits, and claimed as it was. */
  #view([key = null, meta = null, body = null, held = null]: Row): DelayedMessage | undefined {
    const message = this.read(key, meta, body)
    return message && held !== null ? { ...message, retryAt: Math.min(numberIn(held)!, LATEST_MS) } : message
  }
}

/** Whether a statement leaves out every message that does not fit. */
function isExact({ headers, idPart, idPrefix = '' }: WaitlistFilter): boolean {
  return headers === undefined && idPart === undefined && isWholePrefix(idPrefix)
}

/** The last parameter of the statements that look. */
function ticksOf({ withTicks = false }: WaitlistFilter): Value {
  return withTicks ? 'with ticks' : null
}

/** @param least what is ready before is left out */
function filterValues(
  { from = EVER, to = NEVER, name, destination, idPrefix }: WaitlistFilter,
  least: number,
): Value[] {
  return [
    Math.max(from, least),
    to,
    name === undefined ? null : textOf(name),
    destination === undefined ? null : textOf(destinationText(destination)),
    destination?.routingKey === undefined ? null : textOf(destination.routingKey),
    idPrefix === undefined ? null : storedPrefix(idPrefix),
  ]
}
