/**
 * All commits of a server with a NOTIFY wait for each other. So it is sent only for a message that relays do not expect: one
 * that is ready before all others. Of the others, only those that are ready later than this from now count: a relay may be
 * claiming an earlier one at this moment, without seeing the new message, and then find no reason to wake up for it.
 */
export const NOTIFY_BEFORE_MS = 250

/** In the place of {@link NOTIFY_BEFORE_MS}: no other message counts, so that the NOTIFY is always sent. */
export const ALWAYS = 2 ** 52
