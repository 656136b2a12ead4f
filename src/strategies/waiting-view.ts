import { isDeepStrictEqual } from 'node:util'
import { destinationText, type Destination } from '../message/destination.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import type { HeaderValue } from '../message/headers.js'
import type { DestinationCount } from './destination-counts.js'
import { isTick } from './tick-mark.js'

/** A waiting message as a journal shows it: without a body if the journal keeps none. */
export interface JournalledMessage extends Omit<DelayedMessage, 'body'> {
  readonly body: Uint8Array | undefined
}

/** What an index knows of a waiting message. */
export type ListedMessage = Pick<
  DelayedMessage,
  'id' | 'revision' | 'attempt' | 'name' | 'destination' | 'dueAt' | 'retryAt'
>

/** The waiting messages, to look at. */
export interface WaitingView<M extends JournalledMessage = JournalledMessage> {
  /** The messages with this id, the latest revision first. No ticks of recurring messages, as in all that follows. */
  find(id: string): Promise<readonly M[]>
  /** In the order of {@link Position}, from `after` on, not including it. */
  list(filter: WaitlistFilter, page: { after?: Position | undefined; limit: number }): Promise<readonly M[]>
  /** As `list`, of an index, which does not read the messages: `dueAt` of a retry is the time of that. */
  listShort?(
    filter: WaitlistFilter,
    page: { after?: Position | undefined; limit: number },
  ): Promise<readonly ListedMessage[]>
  count(filter: WaitlistFilter): Promise<number>
  /** How many are ready in each span of time, in their order; spans without any are left out. @param spanMs of UTC */
  countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]>
  /** All of them by destination, in no order. It may have to walk through every message. */
  countByDestination(): Promise<readonly DestinationCount[]>
}

/** How many messages are ready from an instant on, for one span. */
export interface SpanCount {
  /** Milliseconds since the epoch: a multiple of the span. */
  readonly from: number
  readonly count: number
}

/** A message has to fit every field that is given. */
export interface WaitlistFilter {
  /** The earliest time of handing over, which for a retry is later than its due time. Milliseconds since the epoch. */
  readonly from?: number | undefined
  /** Not including this instant. */
  readonly to?: number | undefined
  readonly name?: string | undefined
  /** An exchange without a routing key stands for all of its keys. */
  readonly destination?: Destination | undefined
  /** The id begins with it. */
  readonly idPrefix?: string | undefined
  /** The id contains it. */
  readonly idPart?: string | undefined
  /** The message has each of these headers, with this value. */
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined
  /** Ticks of recurring messages fit, too. @default false */
  readonly withTicks?: boolean | undefined
}

/** A place in the order in which messages leave: by time, and among messages of one time in the store's order. */
export interface Position {
  readonly readyAt: number
  readonly key: string
}

export function positionOf(message: Omit<ListedMessage, 'name'>): Position {
  return { readyAt: readyAt(message), key: entryKey(message) }
}

/**
 * Identifies a waiting message. A schedule and its repetition have the same key; the retries of one message for two queues
 * have two. The due time is not part of the key.
 */
export function entryKey({
  id,
  revision,
  attempt,
  destination,
}: Pick<DelayedMessage, 'id' | 'revision' | 'attempt' | 'destination'>): string {
  return JSON.stringify([revision, attempt, destinationText(destination), id])
}

export function fits(filter: WaitlistFilter, message: Omit<DelayedMessage, 'body'>): boolean {
  const { from = -Infinity, to = Infinity, name, destination, idPrefix = '', idPart = '', headers } = filter
  const at = readyAt(message)
  if (at < from || at >= to) return false
  if (!filter.withTicks && isTick(message)) return false
  if (name !== undefined && name !== message.name) return false
  if (!message.id.startsWith(idPrefix) || !message.id.includes(idPart)) return false
  if (headers && !Object.entries(headers).every(([header, value]) => isDeepStrictEqual(message.headers[header], value)))
    return false
  return !destination || destinationFits(destination, message.destination)
}

/** @param filter an exchange without a routing key stands for all of its keys */
export function destinationFits(filter: Destination, destination: Destination): boolean {
  if (destinationText(filter) !== destinationText(destination)) return false
  return filter.routingKey === undefined || filter.routingKey === destination.routingKey
}

export function comparePositions(a: Position, b: Position): number {
  return a.readyAt - b.readyAt || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
}

/** Counts times by span, in the order of the spans. */
export function spanCounts(times: Iterable<number>, spanMs: number): SpanCount[] {
  const counts = new SpanCounts(spanMs)
  for (const time of times) counts.add(time)
  return counts.all()
}

/** As {@link spanCounts}, for times that need not be in memory together. */
export class SpanCounts {
  readonly #spanMs: number
  readonly #counts = new Map<number, number>()

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  add(time: number): void {
    const from = Math.floor(time / this.#spanMs) * this.#spanMs
    this.#counts.set(from, (this.#counts.get(from) ?? 0) + 1)
  }

  all(): SpanCount[] {
    return [...this.#counts].map(([from, count]) => ({ from, count })).sort((a, b) => a.from - b.from)
  }
}
