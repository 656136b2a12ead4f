import type { DelayedMessage } from '../envelope.js'

/** A message as stores keep it: its body as it is, and everything else as JSON. */
export interface StoredMessage {
  readonly meta: string
  readonly body: Uint8Array
}

/** Another number here means that older processes cannot read it. */
const FORMAT = 1

/** What was sent by a foreign producer may hold bytes, which JSON does not know. */
const BYTES = 'dueque:bytes'

export function encodeStored(message: DelayedMessage): StoredMessage {
  const { body, ...rest } = message
  return { meta: toJson({ format: FORMAT, ...rest }, message.properties !== undefined), body }
}

/** @throws Error for what was not written by {@link encodeStored}, or by a later version */
export function decodeStored({ meta, body }: StoredMessage): DelayedMessage {
  const parsed = fromJson(meta) as DelayedMessage & { format: number }
  const { format, ...message } = parsed
  if (format !== FORMAT) throw new Error(`a stored message of format ${format}: this version reads ${FORMAT}`)
  return { ...message, body }
}

/** @param isForeign of our own producers, headers were checked to be plain */
export function toJson(value: unknown, isForeign: boolean): string {
  return isForeign ? JSON.stringify(value, withBytes) : JSON.stringify(value)
}

/** What {@link toJson} was given. */
export function fromJson(text: string): unknown {
  return JSON.parse(text, text.includes(BYTES) ? revived : undefined)
}

function withBytes(this: unknown, key: string, value: unknown): unknown {
  // Before Buffer's own toJSON.
  const original = (this as Record<string, unknown>)[key]
  return original instanceof Uint8Array ? { [BYTES]: Buffer.from(original).toString('base64') } : value
}

function revived(_key: string, value: unknown): unknown {
  const bytes = (value as Record<string, unknown> | null)?.[BYTES]
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : value
}
