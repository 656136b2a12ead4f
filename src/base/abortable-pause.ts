/**
 * Resolves when a timer calls, or when the signal is aborted.
 *
 * @param arm starts the timer, and returns what cancels it
 */
export function abortablePause(arm: (end: () => void) => () => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = arm(end)
    signal.addEventListener('abort', end, { once: true })
  })
}
