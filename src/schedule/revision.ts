let last = 0

/** The revision of a new schedule. Later is greater: by the clock across processes, by counting within one. */
export function nextRevision(now: number): number {
  last = Math.max(now * 1000 + Math.floor(Math.random() * 1000), last + 1)
  return last
}

/** At least every revision up to now: those of this process exactly, those of others by the clock. */
export function latestRevision(now: number): number {
  last = Math.max(now * 1000 + 999, last)
  return last
}
