import type { Clock } from './clock.js'

/** Log each recurring warning at most once in so long. */
const NEWS_MS = 60_000

/** Whether something was not told for a minute. */
export function throttle(clock: Clock): (what: string) => boolean {
  const told = new Map<string, number>()
  return (what) => {
    const now = clock.monotonic()
    if (now - (told.get(what) ?? -Infinity) < NEWS_MS) return false
    told.set(what, now)
    return true
  }
}
