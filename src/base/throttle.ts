import type { Clock } from './clock.js'

/** Each recurring warning is logged at most once in this time. */
const NEWS_MS = 60_000

/** Returns a function that tells whether a warning may be logged: true at most once a minute for each. */
export function throttle(clock: Clock): (what: string) => boolean {
  const told = new Map<string, number>()
  return (what) => {
    const now = clock.monotonic()
    if (now - (told.get(what) ?? -Infinity) < NEWS_MS) return false
    told.set(what, now)
    return true
  }
}
