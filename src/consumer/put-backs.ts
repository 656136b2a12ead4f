import { isForEver } from '../base/errors.js'
import { throttle } from '../base/throttle.js'
import { putBackOf } from '../message/put-back.js'
import type { ConsumerEnvironment } from './environment.js'
import type { FollowUps } from './follow-ups.js'
import type { IncomingMessage } from './incoming-message.js'

/** `impossible` if it can never be put back, and says why; `failed` if a later attempt may succeed. */
export type PutBackResult = 'put back' | 'cancelled' | 'failed' | { readonly impossible: string }

/** Returns messages that arrived far too early to the strategy, for this queue alone. */
export class PutBacks {
  readonly #queue: string
  readonly #environment: ConsumerEnvironment
  readonly #followUps: FollowUps
  readonly #isNews: (what: string) => boolean

  constructor(queue: string, environment: ConsumerEnvironment, followUps: FollowUps) {
    this.#queue = queue
    this.#followUps = followUps
    this.#environment = environment
    this.#isNews = throttle(environment.clock)
  }

  /** Resolves when the message waits again. Never rejects. */
  async putBack(incoming: IncomingMessage): Promise<PutBackResult> {
    const { arrival, envelope, readyAt } = incoming
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
      await this.#followUps.patiently(incoming, (patience) =>
        strategy.schedule(message, { declare: false, holdMs, ...patience }),
      )
      return 'put back'
    } catch (error) {
      if (isForEver(error)) return { impossible: error.message }
      onError(error)
      return 'failed'
    }
  }
}
