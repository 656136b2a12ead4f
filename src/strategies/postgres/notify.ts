/**
 * NOTIFY is a lock on all commits of the server that have one, so it is for what the relays cannot know: a message that is
 * ready before all others that wait. Of those others only what is ready later than this counts: what is ready sooner a relay
 * may be claiming just now, without seeing the new one, and find nothing more to wake up for.
 */
export const NOTIFY_BEFORE_MS = 250

/** In the place of {@link NOTIFY_BEFORE_MS}: no other counts. */
export const ALWAYS = 2 ** 52
