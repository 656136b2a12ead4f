import { destinationText } from '../../message/destination.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { decodeStored, encodeStored } from '../../message/stored-message.js'
import { entryKey } from '../waiting-view.js'

/** A message in the columns of the table. */
export interface MessageRow {
  readonly key: string
  readonly id: string
  readonly name: string
  readonly destination: string
  readonly routingKey: string | null
  readonly dueAt: number
  readonly readyAt: number
  readonly meta: string
  readonly body: Uint8Array
  readonly holdMs: number | undefined
}

/** @param holdMs for how long it is not to be claimed */
export function rowOf(message: DelayedMessage, holdMs?: number): MessageRow {
  const { destination } = message
  return {
    key: entryKey(message),
    id: textOf(message.id),
    name: textOf(message.name),
    destination: textOf(destinationText(destination)),
    routingKey: destination.routingKey === undefined ? null : textOf(destination.routingKey),
    dueAt: message.dueAt,
    readyAt: readyAt(message),
    ...encodeStored(message),
    holdMs,
  }
}

/** Parameters $1 to $9 of the statement `insert`. */
export function insertValues(rows: readonly MessageRow[]): string[] {
  return [
    textArray(rows.map(({ key }) => key)),
    textArray(rows.map(({ id }) => id)),
    textArray(rows.map(({ name }) => name)),
    textArray(rows.map(({ destination }) => destination)),
    textArray(rows.map(({ routingKey }) => routingKey)),
    `{${rows.map(({ dueAt }) => dueAt).join()}}`,
    `{${rows.map(({ readyAt: at }) => at).join()}}`,
    textArray(rows.map(({ meta }) => meta)),
    `{${rows.map(({ body }) => `"\\${byteaOf(body)}"`).join()}}`,
  ]
}

/** As PostgreSQL reads bytes from a text. https://www.postgresql.org/docs/current/datatype-binary.html */
export function byteaOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

/** A further parameter of it. Rare: what is missing at the end of a list counts as NULL. */
export function holdsOf(rows: readonly MessageRow[]): string {
  if (rows.every(({ holdMs }) => holdMs === undefined)) return '{}'
  return `{${rows.map(({ holdMs }) => (holdMs === undefined ? 'NULL' : Math.ceil(holdMs))).join()}}`
}

/** Parameters $1 to $8 of the statements `replace` and `replaceFree`. */
export function replaceValues(message: DelayedMessage, by: DelayedMessage): (string | number | null)[] {
  const { key, name, dueAt, readyAt: at, meta, body } = rowOf(by)
  const content = body === message.body ? [null, null] : [name, byteaOf(body)]
  return [key, message.dueAt, readyAt(message), dueAt, at, meta, ...content]
}

/**
 * @param body in hex
 * @throws Error for what dueque has not written, or a later version of it
 */
export function messageOf(key: string | null, meta: string | null, body: string | null): DelayedMessage {
  if (meta === null || body === null) throw new Error('a row without meta or body')
  const bytes = Buffer.from(body, 'hex')
  if (bytes.length * 2 !== body.length) throw new Error('a body that is not in hex')
  const message = decodeStored({ meta, body: bytes })
  // Otherwise it would not be found to be settled, cancelled or listed on from.
  if (entryKey(message) !== key) throw new Error(`a row whose key does not fit its meta (${entryKey(message)})`)
  return message
}

/** Escapes a text as JSON does, without the quotes: PostgreSQL's text takes neither NUL nor halves of surrogate pairs. */
export function textOf(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** The text that {@link textOf} has escaped. One that was not is as it is. */
export function textIn(escaped: string): string {
  try {
    return JSON.parse(`"${escaped}"`) as string
  } catch {
    return escaped
  }
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function textArray(texts: readonly (string | null)[]): string {
  return `{${texts.map((text) => (text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`)).join()}}`
}
