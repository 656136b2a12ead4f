import { destinationText } from '../../destination.js'
import { readyAt, type DelayedMessage } from '../../envelope.js'
import { errorText } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { entryKey, type Position, type Waitlist, type WaitlistFilter } from '../waitlist.js'
import type { Row, Value } from './database.js'
import { notifyFrom } from './notify.js'
import type { Queries, Run } from './queries.js'
import { messageOf, rowOf, textOf } from './row.js'

const EVER = Number.MIN_SAFE_INTEGER
const NEVER = Number.MAX_SAFE_INTEGER

interface WaitingOptions {
  queries: Queries
  channel: string
  logger: () => Logger
  /** Hears of what waits for another time from now on. */
  changed: (readyAt: number) => void
}

/** What waits in the table, to look at and to change. */
export class Waiting implements Waitlist {
  readonly #options: WaitingOptions

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  async find(id: string, run: Run = this.#options.queries.run): Promise<readonly DelayedMessage[]> {
    const messages = this.decoded(await run('find', [textOf(id)]))
    return messages.sort((a, b) => b.revision - a.revision || readyAt(b) - readyAt(a))
  }

  async remove(message: DelayedMessage): Promise<boolean> {
    const removed = await this.#options.queries.run('remove', [entryKey(message)])
    return removed.length > 0
  }

  async replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const { queries, channel, changed } = this.#options
    const { key, dueAt, readyAt: at, meta } = rowOf(by)
    const before = [key, message.dueAt, readyAt(message)]
    const replaced = await queries.run('replace', [...before, dueAt, at, meta, channel, notifyFrom()])
    if (replaced.length > 0) changed(at)
    return replaced.length > 0
  }

  async list(
    filter: WaitlistFilter,
    { after, limit }: { after?: Position | undefined; limit: number },
  ): Promise<readonly DelayedMessage[]> {
    const { readyAt: at, key } = after ?? { readyAt: EVER, key: '' }
    return this.decoded(await this.#options.queries.run('list', [...filterValues(filter, at), at, key, limit]))
  }

  async count(filter: WaitlistFilter): Promise<number> {
    const [row] = await this.#options.queries.run('count', filterValues(filter, EVER))
    return Number(row?.['count'])
  }

  /** Without what this version cannot read. That stays where it is, and is said. */
  decoded(rows: readonly Row[]): DelayedMessage[] {
    return rows.flatMap((row) => {
      try {
        const message = messageOf(row)
        // What was released is shown as it waits, and claimed as it was.
        return [row['held'] == null ? message : { ...message, retryAt: Number(row['held']) }]
      } catch (error) {
        this.#options.logger().error('a row that dueque cannot read', { key: row['key'], error: errorText(error) })
        return []
      }
    })
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
