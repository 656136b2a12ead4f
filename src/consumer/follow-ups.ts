import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { PublishOptions } from '../broker.js'
import { deathOf } from '../message/death.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { sentOn } from '../message/envelope.js'
import { backTo } from '../message/destination.js'
import { isForEver } from '../base/errors.js'
import type { ConsumerEnvironment } from './environment.js'
import { PAUSE_AFTER_FAILURE_MS, forward, type Decision, type ForwardWaits, type Route } from '../forwarding/forward.js'
import type { Resend } from './handling-outcome.js'
import type { IncomingMessage } from './incoming-message.js'
import { report } from './report.js'

/** A publish that takes longer is logged, again and again. */
const SLOW_MS = 30_000
type Patience = Pick<PublishOptions, 'timeoutMs' | 'signal'>
const DONE = { forward: 'sent', bury: 'dead', drop: 'dropped' } as const
type Done = (typeof DONE)[keyof typeof DONE]

/** Publishes the retry or the dead letter of a message that was not handled, or an item of a batch as a message of its own. */
export class FollowUps {
  readonly #queue: string
  readonly #environment: ConsumerEnvironment
  readonly #waits: ForwardWaits
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #abort = new AbortController()

  constructor(queue: string, environment: ConsumerEnvironment, isClosing: () => boolean) {
    this.#queue = queue
    this.#environment = environment
    const { signal } = this.#abort
    setMaxListeners(0, signal)
    const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => undefined)
    this.#waits = { pause: wait, hold: (until) => wait(until - environment.clock.now()), isClosing }
  }

  /**
   * Repeats the publish, not the handler, until the broker has confirmed it. But for a dead letter, it is dropped if the message
   * is cancelled.
   *
   * @returns what was done; nothing if the consumer closes, or the broker has taken the message back
   */
  publish(incoming: IncomingMessage, resend: Resend): Promise<Done | undefined> {
    return this.track(this.#publish(incoming, resend))
  }

  async #publish(incoming: IncomingMessage, resend: Resend): Promise<Done | undefined> {
    const done = await forward(incoming.arrival, this.#route(incoming, resend), this.#waits)
    return done && DONE[done]
  }

  /** A close waits for `work`: the old copy must not be requeued while the new one is on its way. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async finished(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** The time is over: the old copies go back to the queue, though new ones may be on their way. */
  abandon(): void {
    this.#abort.abort()
  }

  get isAbandoned(): boolean {
    return this.#abort.signal.aborted
  }

  #route(incoming: IncomingMessage, resend: Resend): Route {
    const { clock, onError } = this.#environment
    return {
      decide: () => this.#decision(incoming, resend),
      failed: (error) => {
        // The message cannot be sent again, now or later.
        if (resend.kind !== 'dead' && isForEver(error)) {
          const { kind, failed = false } = resend
          const reason = failed ? 'handler-error' : 'dead-lettered'
          const what = kind === 'retry' ? 'no other attempt' : 'the item of a batch cannot be sent by itself'
          resend = { kind: 'dead', reason, error: `${what}: ${error.message}`, failed }
          return this.#decision(incoming, resend)
        }
        onError(error)
        // A pause, after which it may be cancelled.
        return { kind: 'hold', until: clock.now() + PAUSE_AFTER_FAILURE_MS }
      },
    }
  }

  #decision(incoming: IncomingMessage, resend: Resend): Decision {
    const { isCancelled, events } = this.#environment
    if (resend.kind !== 'dead' && isCancelled?.(incoming.envelope)) return { kind: 'drop' }
    const publish = async () => {
      await this.patiently(incoming, (patience) => this.#send(incoming, resend, patience))
      if (resend.kind !== 'single') report(events, this.#queue, incoming, resend)
    }
    return { kind: resend.kind === 'dead' ? 'bury' : 'forward', publish }
  }

  #send(incoming: IncomingMessage, resend: Resend, patience: Patience): Promise<unknown> {
    if (resend.kind === 'dead') return this.#bury(incoming, resend, patience)
    return resend.kind === 'retry'
      ? this.#retry(incoming, resend, patience)
      : this.#schedule(this.#fresh(incoming), patience)
  }

  /**
   * One publish without a time limit: a publish that times out may reach the broker all the same, during an alarm for one,
   * and the next would be a duplicate.
   */
  async patiently(incoming: IncomingMessage, publish: (patience: Patience) => Promise<unknown>): Promise<void> {
    const { logger } = this.#environment
    const about = { queue: this.#queue, id: incoming.envelope.id }
    const timer = setInterval(
      () => logger.warn('the broker does not confirm a message that is sent on', about),
      SLOW_MS,
    )
    await publish({ timeoutMs: Infinity, signal: this.#abort.signal }).finally(() => clearInterval(timer))
  }

  /** The message for this queue alone. */
  #fresh({ arrival, envelope }: IncomingMessage): DelayedMessage {
    return sentOn(arrival, envelope, backTo(this.#queue, arrival.headers), this.#environment.clock.now())
  }

  #schedule(message: DelayedMessage, patience: Patience): Promise<unknown> {
    return this.#environment.strategy.schedule(message, { declare: false, ...patience })
  }

  #retry(
    incoming: IncomingMessage,
    { delayMs, failed }: Resend & { kind: 'retry' },
    patience: Patience,
  ): Promise<unknown> {
    const { envelope, dueAt } = incoming
    const now = this.#environment.clock.now()
    const message = {
      ...this.#fresh(incoming),
      dueAt,
      attempt: envelope.attempt + 1,
      rescues: 0,
      retryAt: now + delayMs,
      ...(failed && { firstFailedAt: envelope.firstFailedAt ?? now, lastFailedAt: now }),
    }
    return this.#schedule(message, patience)
  }

  #bury(
    { arrival, envelope }: IncomingMessage,
    { reason, error, failed }: Resend & { kind: 'dead' },
    patience: Patience,
  ): Promise<void> {
    const { broker, clock, logger } = this.#environment
    const death = deathOf(reason, error, clock.now())
    const { id, attempt, firstFailedAt = death.at } = envelope
    logger.warn('message given up', { queue: this.#queue, id, attempt, reason, error: death.error })
    return broker.bury(this.#queue, arrival, failed ? { ...death, firstFailedAt } : death, patience)
  }
}
