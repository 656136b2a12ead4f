import type { Arrival } from '../broker.js'
import { isForEver } from '../base/errors.js'
import { throttle } from '../base/throttle.js'
import { backTo } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { sentOn, type Envelope } from '../message/envelope.js'
import { HEADER, readInteger } from '../message/headers.js'
import type { ConsumerEnvironment } from './environment.js'
import type { IncomingMessage } from './incoming-message.js'

/** `impossible` if it can never be put back, and says why; `failed` if a later attempt may succeed. */
export type PutBackResult = 'put back' | 'cancelled' | 'failed' | { readonly impossible: string }

/** Returns messages that arrived far too early to the strategy, for this queue alone. */
export class PutBacks {
  readonly #queue: string
  readonly #environment: ConsumerEnvironment
  readonly #isNews: (what: string) => boolean

  constructor(queue: string, environment: ConsumerEnvironment) {
    this.#queue = queue
    this.#environment = environment
    this.#isNews = throttle(environment.clock)
  }

  /** Resolves when the message waits again. Never rejects. */
  async putBack({ arrival, envelope, readyAt }: IncomingMessage): Promise<PutBackResult> {
    const { strategy, clock, logger, onError, isCancelled } = this.#environment
    const earlyMs = readyAt - clock.now()
    // A strategy never accepted such a message.
    if (earlyMs > strategy.limits.maxDelayMs) return { impossible: 'no message can wait that long' }
    if (isCancelled?.(envelope)) return 'cancelled'
    if (this.#isNews('far')) {
      const about = { queue: this.#queue, id: envelope.id, earlyMs }
      logger.warn('arrived far too early, scheduled again: do the clocks differ?', about)
    }
    try {
      const { message, holdMs } = putBackOf(arrival, envelope, this.#queue, clock.now(), earlyMs)
      await strategy.schedule(message, { declare: false, holdMs })
      return 'put back'
    } catch (error) {
      if (isForEver(error)) return { impossible: error.message }
      onError(error)
      return 'failed'
    }
  }
}

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
 * A message that comes back too early again and again waits where a clock is ahead of this one. It is held there for 1, 2,
 * 4 … 60 s, and no longer than half of the time that is left, so that it is here again before it is due.
 *
 * @param count how often it was put back before
 */
export function putBackHold(count: number, earlyMs: number): number | undefined {
  if (count === 0) return undefined
  return Math.min(FIRST_HOLD_MS * 2 ** Math.min(count - 1, 10), LONGEST_HOLD_MS, earlyMs / 2)
}
