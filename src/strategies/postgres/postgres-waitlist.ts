import { LATEST_MS } from '../../base/clock.js'
import { destinationText } from '../../message/destination.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import {
  entryKey,
  fits,
  positionOf,
  spanCounts,
  type Position,
  type SpanCount,
  type WaitlistFilter,
} from '../waiting-view.js'
import type { Waitlist } from '../waitlist.js'
import type { StoreFaults } from '../store/store-faults.js'
import { numberIn, type Row } from './answer.js'
import type { Value } from './database.js'
import { NOTIFY_BEFORE_MS } from './notify.js'
import type { Queries, Run } from './queries.js'
import { byteaOf, messageOf, rowOf, textOf } from './row.js'

const EVER = Number.MIN_SAFE_INTEGER
const NEVER = Number.MAX_SAFE_INTEGER

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
    return (await this.lookUp(id, this.#options.queries.run)).messages
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
    const { key, name, dueAt, readyAt: at, meta, body } = rowOf(by)
    const before = [key, message.dueAt, readyAt(message)]
    const content = body === message.body ? [null, null] : [name, byteaOf(body)]
    const values = [...before, dueAt, at, meta, channel, NOTIFY_BEFORE_MS, ...content]
    const replaced = await queries.run('replace', values)
    if (replaced.length > 0) changed(at)
    return replaced.length > 0
  }

  async list(
    filter: WaitlistFilter,
    { after, limit }: { after?: Position | undefined; limit: number },
  ): Promise<readonly DelayedMessage[]> {
    const listed: DelayedMessage[] = []
    // Rows that cannot be read are no end of the list.
    for (let place = after ?? { readyAt: EVER, key: '' }; ;) {
      const bounds = [...filterValues(filter, place.readyAt), place.readyAt, place.key]
      const rows = await this.#options.queries.run('list', [...bounds, limit])
      // The statement knows no headers.
      listed.push(...rows.flatMap((row) => this.#view(row) ?? []).filter((message) => fits(filter, message)))
      const last = rows.at(-1)
      if (!last || rows.length < limit || listed.length >= limit) return listed.slice(0, limit)
      place = { readyAt: numberIn(last[4])!, key: last[0]! }
    }
  }

  async count(filter: WaitlistFilter): Promise<number> {
    if (filter.idPrefix !== undefined || filter.headers) return (await this.#times(filter)).length
    const [row] = await this.#options.queries.run('count', filterValues(filter, EVER))
    return numberIn(row?.[0])!
  }

  async countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]> {
    return spanCounts(await this.#times(filter), spanMs)
  }

  /** When each message that fits is ready. */
  async #times(filter: WaitlistFilter): Promise<number[]> {
    const times: number[] = []
    for (let after: Position | undefined; ;) {
      const page = await this.list(filter, { after, limit: 1000 })
      times.push(...page.map(readyAt))
      if (page.length < 1000) return times
      after = positionOf(page.at(-1)!)
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

/** @param least what is ready before is left out */
function filterValues({ from = EVER, to = NEVER, name, destination }: WaitlistFilter, least: number): Value[] {
  return [
    Math.max(from, least),
    to,
    name === undefined ? null : textOf(name),
    destination === undefined ? null : textOf(destinationText(destination)),
    destination?.routingKey === undefined ? null : textOf(destination.routingKey),
  ]
}
