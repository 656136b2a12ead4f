import { digest } from '../../base/digest.js'
import { destinationText, type Destination } from '../../message/destination.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { checkStored, fromJson, toJson } from '../../message/stored-message.js'
import { filterMarks, storedPrefix } from '../store/marks.js'
import { entryKey, type Position, type WaitlistFilter } from '../waiting-view.js'

/** Bytes of the two parts of a field. The scripts use the same numbers. */
const FIRST = 14
const TAG = 8

/** A new number makes older processes refuse the entry. */
const FORMAT = 1

const NEWLINE = 0x0a

/** The field of the first message of an id, with which the fields of its other messages begin: see scripts/entry-script.ts. */
export function firstOf(id: string): Buffer {
  return digest(id, FIRST)
}

/** The second part of these other fields. Every value begins with it. */
export function tagOf(message: Parameters<typeof entryKey>[0]): Buffer {
  return digest(entryKey(message), TAG)
}

/** The field of a message that may be gone by now. @throws Error for a key that {@link entryKey} did not make */
export function placeOf({ key }: Position): { first: Buffer; tag: Buffer } {
  const id = (JSON.parse(key) as unknown[])[3]
  if (typeof id !== 'string') throw new Error('no key of an entry')
  return { first: firstOf(id), tag: digest(key, TAG) }
}

/** When the message is ready, in milliseconds since the epoch. */
export function scoreOf(message: DelayedMessage): string {
  return String(readyAt(message))
}

/**
 * A message as Redis keeps it: the tag, one line of JSON, and the unchanged body. The JSON is an array of the values that
 * every message has, and an object with the other fields of this one. Naming every field would take twice the bytes.
 * Destination and name come first, because the scripts look for them there.
 */
export function valueOf(message: DelayedMessage, tag: Buffer): Buffer {
  const { id, name, destination, dueAt, revision, body, version, attempt, scheduledAt, headers, ...others } = message
  const rest: Record<string, unknown> = others
  if (destination.routingKey !== undefined) rest['key'] = destination.routingKey
  if (version !== 1) rest['version'] = version
  if (attempt !== 1) rest['attempt'] = attempt
  if (scheduledAt !== Math.floor(revision / 1000)) rest['scheduledAt'] = scheduledAt
  for (const _ in headers) {
    rest['headers'] = headers
    break
  }
  const meta = [FORMAT, destinationText(destination), name, id, dueAt, revision, rest]
  return Buffer.concat([tag, Buffer.from(`${toJson(meta, message.properties !== undefined)}\n`), body])
}

/** @throws Error for a value that {@link valueOf} did not write, or that a later version wrote */
export function messageOf(value: Uint8Array): DelayedMessage {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const end = bytes.indexOf(NEWLINE, TAG)
  const meta = fromJson(bytes.toString('utf8', TAG, Math.max(TAG, end))) as Meta
  const [format, to, name, id, dueAt, revision, { key, ...rest }] = meta
  if (format !== FORMAT) throw new Error(`a stored message of format ${String(format)}: this version reads ${FORMAT}`)
  if (typeof to !== 'string' || end < 0) throw new Error('not a message')
  return checkStored({
    id,
    name,
    version: 1,
    body: bytes.subarray(end + 1),
    destination: destinationOf(to, key),
    dueAt,
    scheduledAt: Math.floor(revision / 1000),
    expiresAt: undefined,
    revision,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...rest,
  })
}

type Meta = [
  format: unknown,
  to: string,
  name: string,
  id: string,
  dueAt: number,
  revision: number,
  rest: Partial<DelayedMessage> & { key?: string },
]

/** Texts that are in the value of every message that fits, before its body. */
export function marksOf(filter: WaitlistFilter): string[] {
  const { name, destination, idPrefix } = filter
  const marks = filterMarks(filter)
  if (destination) marks.push(`[${FORMAT},${JSON.stringify(destinationText(destination))},`)
  if (name !== undefined) marks.push(`,${JSON.stringify(name)},`)
  if (idPrefix !== undefined) marks.push(`,"${storedPrefix(idPrefix)}`)
  return marks
}

function destinationOf(to: string, routingKey: string | undefined): Destination {
  const colon = to.indexOf(':')
  const name = to.slice(colon + 1)
  const kind = to.slice(0, colon)
  if (kind === 'queue') return { queue: name }
  if (kind === 'outlet') return { queue: name, outlet: true }
  return routingKey === undefined ? { exchange: name } : { exchange: name, routingKey }
}
