import { endsWithin } from '../../base/time-limit.js'

/** How long the broker may take to answer a close. One that is blocked, or lost without notice, never answers. */
export const CLOSE_MS = 3000

/**
 * Waits for the broker's answer to a close, but not for ever. Its errors are ignored: nothing can be lost any more.
 *
 * @returns whether it answered in time
 */
export async function closeInTime(close: Promise<unknown> | undefined, patienceMs = CLOSE_MS): Promise<boolean> {
  return endsWithin(
    Promise.resolve(close).catch(() => undefined),
    patienceMs,
  )
}
