import { isMap } from 'node:util/types'

/** The setting that has Redis tell of expired keys. */
export const NOTIFY = 'notify-keyspace-events'

/** Which of its letters are missing: `E` for events by their name, `x` for expiry, which is in `A` as well. */
export function missingFlags(flags: string): string {
  const expired = /[xA]/.test(flags) ? '' : 'x'
  return flags.includes('E') ? expired : `E${expired}`
}

/** What CONFIG GET has answered, by any client: a list of names and values, a Map or an object; texts or Buffers. @throws Error */
export function flagsOf(reply: unknown): string {
  const isList = Array.isArray(reply)
  const list = isList ? reply : (isMap(reply) ? [...reply] : Object.entries(reply ?? {})).flat()
  const texts = list.map(String)
  const flags = texts[texts.indexOf(NOTIFY) + 1]
  if (!texts.includes(NOTIFY) || flags === undefined) throw new Error(`no ${NOTIFY} in the answer to CONFIG GET`)
  return flags
}
