/** So many times as long as an answer took, the server has rest: it is asked for a fifth of the time at most. */
const REST = 4

/** How long nothing is asked after an answer. */
export function pauseAfter(tookMs: number, leastMs: number): number {
  return Math.max(leastMs, REST * tookMs)
}
