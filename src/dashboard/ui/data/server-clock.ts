let aheadMs = 0

/** Each answer that says the time of the server sets this clock: a viewer's own may be wrong. */
export function setServerClock(now: string): void {
  const at = Date.parse(now)
  if (!Number.isNaN(at)) aheadMs = at - Date.now()
}

/** Milliseconds since the epoch. */
export function serverNow(): number {
  return Date.now() + aheadMs
}
