import type { Arrival } from '../broker.js'

/** What to do with a message that was taken from a queue. */
export type Decision =
  /** Publish it elsewhere. `publish` resolves once the new copy is safe. */
  | { readonly kind: 'forward' | 'bury'; readonly publish: () => Promise<unknown> }
  /** Ack it without a publish. */
  | { readonly kind: 'drop' }
  /** Keep it until a time by the wall clock, then decide again. */
  | { readonly kind: 'hold'; readonly until: number }
  /** Return it to its queue, after a pause if one is given. */
  | { readonly kind: 'give back'; readonly pauseMs?: number }

/** How one message is decided. */
export interface Route {
  /** Called first, after a hold, and again if it threw. */
  decide: () => Decision | Promise<Decision>
  /**
   * Reports a failure of `decide` or of a publish.
   *
   * @param decision the one that failed; undefined if `decide` threw
   * @returns what to do instead; undefined to try the same again after a pause
   */
  failed: (error: unknown, decision: Decision | undefined) => Decision | undefined
}

/** How the loop waits, and when it ends without an outcome. Both waits may resolve early. */
export interface ForwardWaits {
  pause: (ms: number) => Promise<unknown>
  hold: (until: number) => Promise<unknown>
  isClosing: () => boolean
}

/** Before a failed publish is tried again. */
export const PAUSE_AFTER_FAILURE_MS = 1000

/**
 * Decides on a message and publishes it until the copy is safe. A failed publish is repeated here: a message that is given
 * back counts as a delivery and arrives out of order. After a pause or a hold, a message that the broker has taken back is
 * left alone, and a loop that closes gives it back.
 *
 * Never rejects, as long as `failed` does not throw.
 *
 * @returns what happened; only then may the message be acked. Undefined: give it back
 */
export async function forward(
  arrival: Pick<Arrival, 'live'>,
  { decide, failed }: Route,
  { pause, hold, isClosing }: ForwardWaits,
): Promise<'forward' | 'bury' | 'drop' | undefined> {
  let decision: Decision | undefined
  for (;;) {
    try {
      decision ??= await decide()
      switch (decision.kind) {
        case 'drop':
          return 'drop'
        case 'give back':
          if (decision.pauseMs !== undefined) await pause(decision.pauseMs)
          return undefined
        case 'hold':
          await hold(decision.until)
          decision = undefined
          break
        case 'forward':
        case 'bury':
          await decision.publish()
          return decision.kind
      }
    } catch (error) {
      const instead = failed(error, decision)
      if (instead) {
        decision = instead
        continue
      }
      await pause(PAUSE_AFTER_FAILURE_MS)
    }
    if (isClosing() || !arrival.live) return undefined
  }
}
