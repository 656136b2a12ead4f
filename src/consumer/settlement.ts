import type { DeadReason } from '../message/death.js'
import type { ConsumerEnvironment } from './environment.js'
import { FollowUps } from './follow-ups.js'
import { DROPPED, type HandlingOutcome } from './handling-outcome.js'
import type { IncomingMessage } from './incoming-message.js'
import { PutBacks } from './put-backs.js'
import { report } from './report.js'

/** Settles messages by their outcome, and counts what became of them. */
export class Settlement {
  readonly counts = { handled: 0, retried: 0, dead: 0, suppressed: 0, putBack: 0, dropped: 0 }
  readonly #queue: string
  readonly #environment: ConsumerEnvironment
  readonly #followUps: FollowUps
  readonly #putBacks: PutBacks

  constructor(queue: string, environment: ConsumerEnvironment, isClosing: () => boolean) {
    this.#queue = queue
    this.#environment = environment
    this.#followUps = new FollowUps(queue, environment, isClosing)
    this.#putBacks = new PutBacks(queue, environment, this.#followUps)
  }

  /** A copy of it is settled already. */
  suppress({ arrival }: IncomingMessage): void {
    this.counts.suppressed++
    arrival.ack()
  }

  /**
   * Does what an outcome other than `handled` asks for before the arrival is settled.
   *
   * @returns how to settle it; of a dropped message copies may be handled
   */
  async complete(
    incoming: IncomingMessage,
    outcome: Exclude<HandlingOutcome, { kind: 'handled' }>,
  ): Promise<'ack' | 'drop' | 'requeue'> {
    if (outcome.kind === 'requeue') return 'requeue'
    const done = outcome.kind === 'dropped' ? outcome.kind : await this.#followUps.publish(incoming, outcome)
    if (!done) return 'requeue'
    if (done === 'dropped') return this.#dropped(incoming)
    this.counts[done === 'dead' ? done : 'retried']++
    return 'ack'
  }

  /**
   * Moves a message to the dead queue, and settles its arrival. Never rejects.
   */
  async giveUp(incoming: IncomingMessage, reason: DeadReason, error: unknown): Promise<void> {
    const verdict = await this.complete(incoming, { kind: 'dead', reason, error, failed: false })
    if (verdict === 'requeue') incoming.arrival.requeue()
    else incoming.arrival.ack()
  }

  /**
   * Publishes an item of a batch as a message of its own. Never rejects.
   *
   * @returns whether the item is settled by that. If not, the consumer closes, or the broker has taken the batch back
   */
  async sendSingly(incoming: IncomingMessage): Promise<boolean> {
    const done = await this.#followUps.publish(incoming, { kind: 'single' })
    if (done === 'dropped') this.#dropped(incoming)
    if (done === 'dead') this.counts.dead++
    return done !== undefined
  }

  /** A close waits for `work`. */
  track<T>(work: Promise<T>): Promise<T> {
    return this.#followUps.track(work)
  }

  /**
   * Has a message that came far too early wait in the broker again. Never rejects.
   *
   * @returns whether the arrival is settled; if not, it can be tried again
   */
  putBack(incoming: IncomingMessage): Promise<boolean> {
    return this.#followUps.track(this.#putBack(incoming))
  }

  /** Resolves when nothing is on its way to the strategy or to the dead queue any more. */
  finished(): Promise<void> {
    return this.#followUps.finished()
  }

  /** There is no time left to wait for what is on its way. */
  abandon(): void {
    this.#followUps.abandon()
  }

  get isAbandoned(): boolean {
    return this.#followUps.isAbandoned
  }

  async #putBack(incoming: IncomingMessage): Promise<boolean> {
    const { arrival, readyAt } = incoming
    const earlyMs = readyAt - this.#environment.clock.now()
    const result = await this.#putBacks.putBack(incoming)
    if (result === 'failed') return false
    if (typeof result !== 'object') {
      if (result === 'cancelled') this.#dropped(incoming)
      else this.counts.putBack++
      arrival.ack()
      return true
    }
    await this.giveUp(incoming, 'invalid-due', `due in ${earlyMs} ms: ${result.impossible}`)
    return true
  }

  #dropped(incoming: IncomingMessage): 'drop' {
    this.counts.dropped++
    report(this.#environment.events, this.#queue, incoming, DROPPED)
    return 'drop'
  }
}
