import type { Entry } from '../../journal/journal-record.js'
import { CLOCKS_DIFFER_MS } from '../../log/horizons.js'

export interface PresenceRule {
  /** As the operator gave it, in milliseconds since the epoch. Undefined: no instant was given. */
  readonly lostAt: number | undefined
  /** Whether the target's journal is the one that is restored from. */
  readonly isOwn: boolean
}

/**
 * Whether an entry of the target's journal shows that the target has the message. If its messages were lost at a given instant,
 * only a later entry does. Otherwise every entry does, except in the journal that is restored from, where an earlier restore
 * alone tells.
 */
export function showsPresence({ written, restored }: Entry, { lostAt, isOwn }: PresenceRule): boolean {
  if (lostAt === undefined) return restored === true || !isOwn
  // A restore begins after the loss, by the operator's own clock.
  return written / 1000 >= (restored ? lostAt : lostAt + CLOCKS_DIFFER_MS)
}
