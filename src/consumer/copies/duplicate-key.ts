import type { Envelope } from '../../message/envelope.js'

/** Copies of a message have equal keys. A foreign message without id or revision has none: nothing tells its copies. */
export function duplicateKey({ dedupeKey, id, revision, attempt }: Envelope): string | undefined {
  if (dedupeKey !== undefined) return `${dedupeKey}\0${attempt}`
  if (id === undefined || revision === undefined) return undefined
  return `${id}\0${revision}\0${attempt}`
}
