import { backTo } from './destination.js'
import type { DelayedMessage } from './delayed-message.js'
import { sentOn, type Arrived, type Envelope } from './envelope.js'
import { HEADER, readInteger } from './headers.js'

/** Earlier messages are put back to wait in the broker, instead of being held with a place of the prefetch. */
export const LONGEST_HOLD_MS = 30_000

/** A message that came far too early, as it waits again. */
export interface PutBack {
  readonly message: DelayedMessage
  /** Not to be delivered again for so long, by the clock of the place where it waits. */
  readonly holdMs: number | undefined
}

/** @param now by the wall clock */
export function putBackOf(arrived: Arrived, envelope: Envelope, queue: string, now: number, earlyMs: number): PutBack {
  const count = readInteger(arrived.headers[HEADER.putBacks]) ?? 0
  const message = sentOn(arrived, envelope, backTo(queue, arrived.headers), now)
  const headers = { ...message.headers, [HEADER.putBacks]: Math.min(count, 1000) + 1 }
  return { message: { ...message, headers }, holdMs: putBackHold(count, earlyMs) }
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

/**
 * A message that comes back too early again and again waits where a clock is ahead of this one. It is held there for 1, 2,
 * 4 … 60 s, and no longer than half of the time that is left, so that it is here again before it is due.
 *
 * @param count how often it was put back before
 */
export function putBackHold(count: number, earlyMs: number): number | undefined {
  if (count === 0) return undefined
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(count - 1, 10), LONGEST_PAUSE_MS, earlyMs / 2)
}
