/**
 * NOTIFY is a lock on all commits of the server that have one, so it is for what the relays cannot know: a message that is
 * ready before all others that wait. Of those others only what is ready later than this counts: what is ready sooner a relay
 * may be claiming just now, without seeing the new one, and find nothing more to wake up for.
 */
const NOTIFY_BEFORE_MS = 250

/** No other counts. */
export const ALWAYS = Number.MAX_SAFE_INTEGER

/** From when on another that waits makes a notification useless. */
export function notifyFrom(): number {
  return Date.now() + NOTIFY_BEFORE_MS
}
