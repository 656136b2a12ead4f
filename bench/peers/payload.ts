import { BODY_BYTES } from '../load.js'
import type { Item } from './contestant.js'

/** The content of every message: its number, and the due time that the receiver compares with its own clock. */
export interface Payload {
  n: number
  /** Milliseconds since the epoch. */
  due: number
  text: string
}

/** A payload whose JSON has 200 bytes. */
export function payloadFor({ n, dueAt: due }: Pick<Item, 'n' | 'dueAt'>): Payload {
  return { n, due, text: 'x'.repeat(BODY_BYTES - JSON.stringify({ n, due, text: '' }).length) }
}

export function bodyFor(item: Pick<Item, 'n' | 'dueAt'>): Buffer {
  return Buffer.from(JSON.stringify(payloadFor(item)))
}

export function remainingMs({ dueAt }: Item): number {
  return Math.max(0, dueAt - Date.now())
}
