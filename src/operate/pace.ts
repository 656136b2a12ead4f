import { setTimeout as pause } from 'node:timers/promises'

/** Resolves for each caller in turn, so many times a second. After an abort at once, which is the caller's to notice. */
export function pace(ratePerSecond: number, signal: AbortSignal): () => Promise<void> {
  let next = performance.now()
  return async () => {
    const wait = next - performance.now()
    next = Math.max(next, performance.now()) + 1000 / ratePerSecond
    if (wait > 0) await pause(wait, undefined, { signal }).catch(() => undefined)
  }
}
