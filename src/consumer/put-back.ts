import type { Arrival } from '../broker.js'
import { backTo } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { sentOn, type Envelope } from '../message/envelope.js'
import { HEADER, readInteger } from '../message/headers.js'

/** A message that came far too early, as it waits again. */
export interface PutBack {
  readonly message: DelayedMessage
  /** Not to be delivered again for so long, by the clock of the place where it waits. */
  readonly holdMs: number | undefined
}

/** @param now by the wall clock */
export function putBackOf(arrival: Arrival, envelope: Envelope, queue: string, now: number, earlyMs: number): PutBack {
  const count = readInteger(arrival.headers[HEADER.putBacks]) ?? 0
  const message = sentOn(arrival, envelope, backTo(queue, arrival.headers), now)
  const headers = { ...message.headers, [HEADER.putBacks]: Math.min(count, 1000) + 1 }
  return { message: { ...message, headers }, holdMs: putBackHold(count, earlyMs) }
}

const FIRST_HOLD_MS = 1000
const LONGEST_HOLD_MS = 60_000

/**
 * One that comes back too early again and again waits where a clock is ahead of this one. It is held there for 1, 2, 4 …
 * 60 s, and no longer than half of the time that is left, so that it is here again before it is due.
 *
 * @param count how often it was put back before
 */
export function putBackHold(count: number, earlyMs: number): number | undefined {
  if (count === 0) return undefined
  return Math.min(FIRST_HOLD_MS * 2 ** Math.min(count - 1, 10), LONGEST_HOLD_MS, earlyMs / 2)
}
