import { isUtf8 } from 'node:buffer'
import { isInteger } from '../base/checks.js'
import { shown } from '../base/errors.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { FORMAT, fromJson, messageFrom, toJson } from '../message/stored-message.js'
import type { JournalledMessage } from '../strategies/waiting-view.js'

/** A line of the journal. The format is in docs/wire-format.md. */
export type JournalRecord = Entry | Refusal

/** A message that waits, unless it is cancelled or its {@link Refusal} follows. */
export interface Entry {
  readonly message: JournalledMessage
  /** Names this record: milliseconds × 1000 and a random part. Of two entries of one message, the later has the greater. */
  readonly written: number
  /** Written by `dueque journal restore`, which then skips the message when it is repeated. */
  readonly restored?: boolean
  readonly refused?: never
}

/** The message of one entry does not wait: RabbitMQ did not take it. */
export interface Refusal {
  readonly id: string
  /** {@link Entry.written} of that entry. */
  readonly refused: number
  /** When the message would have been ready, in milliseconds since the epoch. */
  readonly readyAt: number
}

/** Where a record is: the stream by its number, the offset of the message in it, and the line of that message. */
export interface Place {
  readonly stream: number
  readonly offset: number
  readonly line: number
}

const NO_BODY = new Uint8Array()
const NO_CONTENT = { body: undefined }
const HALF_PAIR = /\p{Surrogate}/u

/** @param bodies whether the record holds the body */
export function encodeEntry(message: DelayedMessage, written: number, bodies: boolean, restored?: boolean): string {
  const { id, body, headers, properties } = message
  // JSON leaves out undefined fields; here they keep a place. One object and one text, because this runs for every message.
  const first = { format: FORMAT, written, restored, id: undefined, body: undefined }
  const entry = Object.assign(first, message, { id: wellFormed(id) }, bodies ? contentOf(body) : NO_CONTENT)
  const isForeign = properties !== undefined
  // Only these two have names of others.
  return isForeign || hasFields(headers) ? toJson(entry, isForeign) : JSON.stringify(entry)
}

export function encodeRefusal({ id, refused, readyAt }: Refusal): string {
  return toJson({ format: FORMAT, refused, id: wellFormed(id), readyAt }, false)
}

/** Later versions may add fields. @throws Error for a line that is no record, or one of a later format */
export function decodeRecord(line: string): JournalRecord {
  const fields = Object(fromJson(line)) as Record<string, unknown>
  const { format, written, refused, restored, body, base64 } = fields
  if (format !== FORMAT) throw new Error(`a record of format ${shown(format)}: this version reads ${FORMAT}`)
  if (refused !== undefined) return refusalOf(fields)
  if (!isInteger(written, 0)) throw expected('a whole number from 0 as written', written)
  const message: JournalledMessage = messageFrom(fields, NO_BODY)
  // The object is new, and nobody else has it.
  Object.assign(message, { id: wellFormed(message.id), body: bodyOf(body, base64) })
  return restored === true ? { message, written, restored } : { message, written }
}

function refusalOf({ id, refused, readyAt }: Record<string, unknown>): Refusal {
  if (typeof id !== 'string') throw expected('a text as id', id)
  if (!isInteger(refused, 0)) throw expected('a whole number from 0 as refused', refused)
  if (typeof readyAt !== 'number') throw expected('milliseconds since the epoch as readyAt', readyAt)
  return { id: wellFormed(id), refused, readyAt }
}

function bodyOf(body: unknown, base64: unknown): Uint8Array | undefined {
  if (typeof body === 'string') return Buffer.from(body)
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  if (body === undefined && base64 === undefined) return undefined
  throw expected('a text as body or base64', body ?? base64)
}

function contentOf(body: Uint8Array): { body: string | undefined; base64?: string } {
  return isUtf8(body) ? { body: textOf(body) } : { body: undefined, base64: base64Of(body) }
}

function hasFields(table: object): boolean {
  for (const _ in table) return true
  return false
}

/** AMQP replaces half of a surrogate pair in a message's id, where JSON would keep it. */
function wellFormed(id: string): string {
  return HALF_PAIR.test(id) ? Buffer.from(id).toString() : id
}

function textOf(bytes: Uint8Array): string {
  return bufferOf(bytes).toString()
}

function base64Of(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64')
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function expected(what: string, value: unknown): Error {
  return new Error(`a journal record: expected ${what}, got ${shown(value)}`)
}
