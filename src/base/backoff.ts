/**
 * Milliseconds to wait before attempt `attempt` (from 0), with full jitter: anywhere between zero and the ceiling.
 * 100, 200, 400 … up to `maxMs`. https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter
 */
export function backoff(attempt: number, { baseMs = 100, maxMs = 5000 } = {}): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30))
}
