import { setMaxListeners } from 'node:events'
import type { AmqpBroker } from '../amqp/amqp-broker.js'
import { errorText, isForEver } from '../base/errors.js'
import { throttle } from '../base/throttle.js'
import type { Arrival } from '../broker.js'
import type { TailGate } from '../cancellation/gated-tail.js'
import { deathOf, type DeadReason } from '../message/death.js'
import { readyAt } from '../message/delayed-message.js'
import { decodeEnvelope, type Envelope } from '../message/envelope.js'
import { putBackOf } from '../message/put-back.js'
import { PAUSE_AFTER_FAILURE_MS, type Decision, type Route } from './forward.js'
import { decideAtGate } from './gate-decision.js'
import type { ResolvedGate } from './gate-options.js'
import { GateWaits } from './gate-waits.js'

/** What becomes of each message that a gate has taken, with counts. */
export class GateRoute {
  readonly counts = { forwarded: 0, cancelled: 0, dead: 0 }
  readonly waits: GateWaits
  readonly #settings: ResolvedGate
  readonly #broker: AmqpBroker
  readonly #tail: TailGate
  readonly #isNews: (what: string) => boolean
  readonly #abort = new AbortController()
  /** Publishes that are on their way, by {@link copyKey}. */
  readonly #underWay = new Map<string, { arrival: Arrival; outcome: Promise<unknown> }>()

  constructor(settings: ResolvedGate, broker: AmqpBroker, tail: TailGate) {
    this.#settings = settings
    this.#broker = broker
    this.#tail = tail
    this.waits = new GateWaits(tail.gate)
    this.#isNews = throttle(settings.connection.clock)
    // Each publish listens.
    setMaxListeners(0, this.#abort.signal)
  }

  /** There is no time left for messages that cannot be published: they go back. */
  abandon(): void {
    this.#abort.abort()
  }

  of(arrival: Arrival): Route {
    const envelope = decodeEnvelope(arrival)
    return {
      decide: async () => this.#once(arrival, envelope, await this.#decide(arrival, envelope)),
      failed: (error, decision) => this.#once(arrival, envelope, this.#failed(arrival, envelope, error, decision)),
    }
  }

  /**
   * A message comes again if its channel is lost while its publish waits, for the end of an alarm for one. It is not published
   * once more, and shares the outcome. A message that differs, or whose channel is still there, is another one.
   */
  #once(arrival: Arrival, envelope: Envelope, decision: Decision): Decision {
    const key = copyKey(envelope)
    if (key === undefined || !('publish' in decision)) return decision
    const publish = async () => {
      const before = this.#underWay.get(key)
      const isBack = before && !before.arrival.live && Buffer.compare(before.arrival.body, arrival.body) === 0
      const outcome = isBack ? before.outcome : decision.publish()
      this.#underWay.set(key, { arrival, outcome })
      try {
        await outcome
      } finally {
        if (this.#underWay.get(key)?.outcome === outcome) this.#underWay.delete(key)
      }
    }
    return { kind: decision.kind, publish }
  }

  async #decide(arrival: Arrival, envelope: Envelope): Promise<Decision> {
    const { clock, strategy } = this.#settings.connection
    const { maxDelayMs } = strategy.limits
    for (;;) {
      const isOpen = this.#tail.gate.isOpenFor(readyAt(envelope))
      const isCancelled = this.#tail.isCancelled(envelope)
      const next = decideAtGate(envelope, { now: clock.now(), isOpen, isCancelled, maxDelayMs })
      switch (next.kind) {
        case 'wait':
          await this.waits.opening(arrival)
          if (this.waits.isEnded || !arrival.live) return { kind: 'give back' }
          break
        case 'drop':
          this.counts.cancelled++
          return { kind: 'drop' }
        case 'hold':
          return next
        case 'put back':
          return { kind: 'forward', publish: () => this.#putBack(arrival, envelope, next.earlyMs) }
        case 'dead':
          return this.#dead(arrival, next.reason, next.error)
        case 'forward':
          return { kind: 'forward', publish: () => this.#forward(arrival) }
      }
    }
  }

  #failed(arrival: Arrival, envelope: Envelope, error: unknown, decision: Decision | undefined): Decision {
    const { clock, logger } = this.#settings.connection
    const now = clock.now()
    if (decision?.kind === 'forward' && isForEver(error)) {
      // One that the broker took back comes again: buried here as well, it would be there twice.
      if (!arrival.live) return { kind: 'give back' }
      return this.#dead(arrival, readyAt(envelope) > now ? 'invalid-due' : 'dead-lettered', error.message)
    }
    if (!this.waits.isEnded && this.#isNews('failed'))
      logger.warn('could not forward a message', {
        queue: this.#settings.from,
        id: envelope.id,
        error: errorText(error),
      })
    // A pause, after which it may be cancelled.
    return { kind: 'hold', until: now + PAUSE_AFTER_FAILURE_MS }
  }

  /**
   * One publish without a time limit: a publish that times out may reach the broker all the same, during an alarm for one,
   * and the next would be a duplicate.
   */
  get #patiently() {
    return { timeoutMs: Infinity, signal: this.#abort.signal }
  }

  async #forward(arrival: Arrival): Promise<void> {
    await this.#broker.passOn(this.#settings.to, arrival, this.#patiently)
    this.counts.forwarded++
  }

  /** Has a message that came far too early wait in the broker again. */
  async #putBack(arrival: Arrival, envelope: Envelope, earlyMs: number): Promise<void> {
    const { connection, from } = this.#settings
    const { clock, logger, strategy } = connection
    if (this.#isNews('far')) {
      const about = { queue: from, id: envelope.id, earlyMs }
      logger.warn('arrived far too early, scheduled again: do the clocks differ?', about)
    }
    const { message, holdMs } = putBackOf(arrival, envelope, from, clock.now(), earlyMs)
    await strategy.schedule(message, { declare: false, holdMs, ...this.#patiently })
  }

  #dead(arrival: Arrival, reason: DeadReason, error: string): Decision {
    const { connection, from } = this.#settings
    const publish = async () => {
      await this.#broker.bury(from, arrival, deathOf(reason, error, connection.clock.now()), this.#patiently)
      this.counts.dead++
      const id = arrival.properties['messageId']
      connection.logger.warn('message given up', { queue: from, id, reason, error })
    }
    return { kind: 'bury', publish }
  }
}

/** Copies of a message have equal keys. Nothing tells those of a foreign message. */
function copyKey({ id, revision, attempt }: Envelope): string | undefined {
  return id === undefined || revision === undefined ? undefined : `${id}\0${revision}\0${attempt}`
}
