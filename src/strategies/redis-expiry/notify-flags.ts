/** The setting that has Redis tell of expired keys. */
export const NOTIFY = 'notify-keyspace-events'

/** Which of its letters are missing: `E` for events by their name, `x` for expiry, which is in `A` as well. */
export function missingFlags(flags: string): string {
  const expired = /[xA]/.test(flags) ? '' : 'x'
  return flags.includes('E') ? expired : `E${expired}`
}

/** What CONFIG GET has answered, by any client. */
export function flagsOf(reply: unknown): string {
  const answer = reply as readonly unknown[] | Map<unknown, unknown> | Record<string, unknown>
  if (answer instanceof Map) return String(answer.get(NOTIFY))
  return String(Array.isArray(answer) ? answer[1] : (answer as Record<string, unknown>)[NOTIFY])
}
