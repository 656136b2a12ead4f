import { randomUUID } from 'node:crypto'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { Arrived } from '../message/envelope.js'
import { readInstant } from '../message/headers.js'
import { nextRevision } from '../schedule/revision.js'
import { ownMessage, readBody } from './tick.js'

/**
 * A message of the tickers to each other, in the queue of ticks.
 *
 * - bookmark: the active ticker keeps it unacked. It comes again to the successor, in front of everything else: so that one
 *   knows that the queue has lost nothing.
 * - hello: of a ticker that has started. The active one acks it. If it has no bookmark by then, ticks may be lost.
 */
export type Mark = Bookmark | { readonly kind: 'hello' }

export interface Bookmark {
  readonly kind: 'bookmark'
  /** When every missing tick was last sent: milliseconds since the epoch. */
  readonly repairedAt: number
}

export function bookmarkOf(repairedAt: number, queue: string, now: number): DelayedMessage {
  return markOf('dueque.bookmark', { bookmark: true, repairedAt }, queue, now)
}

export function helloOf(queue: string, now: number): DelayedMessage {
  return markOf('dueque.hello', { hello: randomUUID() }, queue, now)
}

function markOf(name: string, body: object, queue: string, now: number): DelayedMessage {
  const message = ownMessage(name, body)
  return {
    ...message,
    id: randomUUID(),
    revision: nextRevision(now),
    destination: { queue },
    dueAt: now,
    scheduledAt: now,
  }
}

/** Undefined for anything else. */
export function readMark({ body }: Pick<Arrived, 'body'>): Mark | undefined {
  const { bookmark, repairedAt, hello } = readBody(body)
  if (bookmark === true) return { kind: 'bookmark', repairedAt: readInstant(repairedAt) ?? 0 }
  return typeof hello === 'string' ? { kind: 'hello' } : undefined
}
