import { isInteger } from '../base/checks.js'
import { LATEST_MS } from '../base/clock.js'
import { isUint8Array } from 'node:util/types'
import type { DelayedMessage } from './delayed-message.js'
import { shown } from '../base/errors.js'

/** A message as stores keep it: its body as it is, and everything else as JSON. */
export interface StoredMessage {
  readonly meta: string
  readonly body: Uint8Array
}

/** Another number here means that older processes cannot read it. */
export const FORMAT = 1

/** The prefix of keys that mean something here. */
const OWN = 'dueque:'
/** What was sent by a foreign producer may hold bytes, which JSON does not know. */
const BYTES = `${OWN}bytes`
/** Before the rest of a key of the message's own that has the prefix: one that was escaped has two, and so on. */
const ESCAPE = '='

export function encodeStored(message: DelayedMessage): StoredMessage {
  return { meta: metaOf(message), body: message.body }
}

/**
 * Everything but the body, as JSON.
 *
 * @param bytes of the body, where a reader has to be told
 */
export function metaOf(message: DelayedMessage, bytes?: number): string {
  const { id, name, version, destination, dueAt, scheduledAt, expiresAt, revision, attempt } = message
  const { retryAt, firstFailedAt, lastFailedAt, routingKey, headers, priority } = message
  const { correlationId, dedupeKey, rescues, furtherKeys, properties } = message
  // One literal, because this runs for every message.
  const fields: Record<Exclude<keyof DelayedMessage, 'body'> | 'bytes' | 'format', unknown> = {
    bytes,
    format: FORMAT,
    id,
    name,
    version,
    destination,
    dueAt,
    scheduledAt,
    expiresAt,
    revision,
    attempt,
    retryAt,
    firstFailedAt,
    lastFailedAt,
    routingKey,
    headers,
    priority,
    correlationId,
    dedupeKey,
    rescues,
    furtherKeys,
    properties,
  }
  return toJson(fields, properties !== undefined)
}

/** @throws Error for what was not written by {@link encodeStored}, or by a later version */
export function decodeStored({ meta, body }: StoredMessage): DelayedMessage {
  return messageOfFormat(fieldsOf(meta), body)
}

/** @throws Error if it is no object of JSON */
export function fieldsOf(meta: string): Readonly<Record<string, unknown>> {
  const parsed = fromJson(meta)
  if (!isRecord(parsed)) throw new Error(`a stored message: expected an object of JSON, got ${shown(parsed)}`)
  return parsed
}

/**
 * As {@link messageFrom}, of a format that this version reads.
 *
 * @throws Error for fields that were not written by {@link encodeStored}, or by a later version
 */
export function messageOfFormat(fields: Readonly<Record<string, unknown>>, body: Uint8Array): DelayedMessage {
  const { format } = fields
  if (format !== FORMAT) throw new Error(`a stored message of format ${shown(format)}: this version reads ${FORMAT}`)
  return messageFrom(fields, body)
}

/**
 * A message of fields that were read, without any others.
 *
 * @throws Error if they are not those of a message
 */
export function messageFrom(fields: Readonly<Record<string, unknown>>, body: Uint8Array): DelayedMessage {
  const { id, name, version, destination, dueAt, scheduledAt, expiresAt, revision, attempt } = fields
  const { retryAt, firstFailedAt, lastFailedAt, routingKey, headers, priority } = fields
  const { correlationId, dedupeKey, rescues, furtherKeys, properties } = fields
  // One literal: copies of an object that JSON.parse has made take several times as long.
  return checkStored({
    id,
    name,
    version,
    body,
    destination,
    dueAt,
    scheduledAt,
    expiresAt,
    revision,
    attempt,
    retryAt,
    firstFailedAt,
    lastFailedAt,
    routingKey,
    headers,
    priority,
    correlationId,
    dedupeKey,
    rescues,
    furtherKeys,
    properties,
  })
}

const isText = (value: unknown) => typeof value === 'string'
const isTime = (value: unknown) => typeof value === 'number' && Math.abs(value) <= LATEST_MS
const isCount = (value: unknown) => isInteger(value, 0)
const orNone = (is: (value: unknown) => boolean) => (value: unknown) => value === undefined || is(value)

const FIELDS: readonly [keyof DelayedMessage, (value: unknown) => boolean][] = [
  ['id', isText],
  ['name', isText],
  ['version', isCount],
  ['destination', isDestination],
  ['dueAt', isTime],
  ['scheduledAt', isTime],
  ['expiresAt', orNone(isTime)],
  ['revision', (value) => isInteger(value)],
  ['attempt', isCount],
  ['retryAt', orNone(isTime)],
  ['firstFailedAt', orNone(isTime)],
  ['lastFailedAt', orNone(isTime)],
  ['routingKey', orNone(isText)],
  ['headers', isRecord],
  ['priority', orNone(isCount)],
  ['correlationId', orNone(isText)],
  ['dedupeKey', orNone(isText)],
  ['rescues', orNone(isCount)],
  ['properties', orNone(isRecord)],
  ['furtherKeys', orNone((value) => Array.isArray(value) && value.every(isText))],
]

/**
 * Checks a message as it was read: a user who may write to the store can have written anything.
 *
 * @throws Error if it is not a message
 */
export function checkStored(message: Readonly<Record<string, unknown>>): DelayedMessage {
  for (const [field, isOne] of FIELDS) {
    const value = message[field]
    if (!isOne(value)) throw new Error(`not a message: ${field} is ${shown(value)}`)
  }
  return message as unknown as DelayedMessage
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isUint8Array(value)
}

/** Whether a value that was read has the shape of a destination. */
export function isDestination(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { queue, exchange, routingKey, outlet } = value
  if ((queue === undefined) === (exchange === undefined)) return false
  const isName = typeof (queue ?? exchange) === 'string' && (queue ?? exchange) !== ''
  return isName && orNone(isText)(routingKey) && orNone((flag) => typeof flag === 'boolean')(outlet)
}

/** @param isForeign of our own producers, headers were checked to be plain */
export function toJson(value: unknown, isForeign: boolean): string {
  const text = isForeign ? JSON.stringify(value, withBytes) : JSON.stringify(value)
  return text.includes(`"${OWN}`) ? JSON.stringify(value, withBytesAndEscapes) : text
}

/** What {@link toJson} was given. */
export function fromJson(text: string): unknown {
  return JSON.parse(text, text.includes(`"${OWN}`) ? revived : undefined) as unknown
}

function withBytes(this: unknown, key: string, value: unknown): unknown {
  // Before Buffer's own toJSON.
  const original = (this as Record<string, unknown>)[key]
  return isUint8Array(original) ? { [BYTES]: Buffer.from(original).toString('base64') } : value
}

function withBytesAndEscapes(this: unknown, key: string, value: unknown): unknown {
  const shown = withBytes.call(this, key, value)
  return shown === value && isRecord(value) ? withKeys(value, OWN, `${OWN}${ESCAPE}`) : shown
}

function revived(_key: string, value: unknown): unknown {
  if (!isRecord(value)) return value
  const bytes = value[BYTES]
  if (typeof bytes === 'string' && Object.keys(value).length === 1) return Buffer.from(bytes, 'base64')
  return withKeys(value, `${OWN}${ESCAPE}`, OWN)
}

/** With the prefix `to` in the place of `from`. */
function withKeys(table: Record<string, unknown>, from: string, to: string): Record<string, unknown> {
  const entries = Object.entries(table)
  if (!entries.some(([key]) => key.startsWith(from))) return table
  return Object.fromEntries(
    entries.map(([key, value]) => [key.startsWith(from) ? to + key.slice(from.length) : key, value]),
  )
}
