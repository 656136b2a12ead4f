import { setTimeout as pause } from 'node:timers/promises'
import type { Arrival } from '../broker.js'
import { LONGEST_HOLD_MS } from '../message/put-back.js'
import type { LateItems } from './batches/spill.js'
import type { Copies } from './copies/copies.js'
import type { Claim } from './copies/duplicates.js'
import type { DispatchSettings } from './dispatch-settings.js'
import type { ConsumerEnvironment } from './environment.js'
import { HandlerPlaces } from './handler-places.js'
import { DROPPED, type HandlingOutcome } from './handling-outcome.js'
import { Hold } from './hold.js'
import { FOLLOWING, HELD, incomingOf, READY, type IncomingMessage } from './incoming-message.js'
import { Ready } from './ready.js'
import { report } from './report.js'
import { Settlement } from './settlement.js'
import { StartRate } from './start-rate.js'

/** How soon a message is looked at again while a copy is handled in another process, or the dedupe store is away. */
const COPY_ELSEWHERE_MS = 250

/**
 * Takes each arrival to its handler, at most `concurrency` at a time, and settles it by the outcome:
 *
 * | what happens                                        | to the message                                         |
 * |-----------------------------------------------------|--------------------------------------------------------|
 * | early, by up to 30 s                                | held here until due                                    |
 * | earlier                                             | scheduled again to this queue, then ack                |
 * | a copy of a settled message                         | ack, counted as suppressed                             |
 * | a copy of a running message                         | waits for that one's outcome                           |
 * | either, in another process, with `dedupe`           | the same; waits as well while the store is away        |
 * | the gate is closed, or handlers start at their rate | stays ready until one may start                        |
 * | the consumer is paused                              | back to the queue                                      |
 * | cancelled                                           | ack, without a handler                                 |
 * | handler returns                                     | ack                                                    |
 * | handler throws, and the policy has attempts left    | waits again as its next attempt, for this queue; then ack |
 * | handler calls `retry`                               | the same, whatever the policy says                     |
 * | handler throws, without such a policy; calls `deadLetter` | to the dead queue with the reason, then ack      |
 * | no handler, schema or version fits; expired         | to the dead queue with the reason, then ack            |
 * | neither can be reached                              | tried until it can; back to the queue if the consumer closes |
 * | the connection is lost                              | the broker delivers it again; suppressed if settled    |
 */
export class Dispatch {
  readonly settlement: Settlement
  readonly #settings: DispatchSettings
  readonly #environment: ConsumerEnvironment
  readonly #copies: Copies
  readonly #ready: Ready
  readonly #hold: Hold
  readonly #unwatchGate: (() => void) | undefined
  readonly #rate: StartRate | undefined
  readonly #places = new HandlerPlaces()
  #following = 0
  #isClosing = false
  /** Paused, or closing: no handler starts. */
  #isStopped = false

  constructor(settings: DispatchSettings) {
    const { queue, environment, copies } = settings
    this.#settings = settings
    this.#environment = environment
    this.#copies = copies
    this.settlement = new Settlement(queue, environment, () => this.#isClosing)
    this.#hold = new Hold(environment.clock, (incoming) => {
      incoming.arrivedAt = environment.clock.now()
      this.#place(incoming)
    })
    this.#ready = new Ready(environment.gate)
    this.#unwatchGate = environment.gate?.onOpen(() => this.#start())
    const { ratePerSecond } = settings
    this.#rate =
      ratePerSecond === undefined ? undefined : new StartRate(environment.clock, ratePerSecond, () => this.#start())
  }

  get counts() {
    return { ...this.settlement.counts, running: this.#places.taken, following: this.#following, held: this.#hold.size }
  }

  /** Whether no handler starts: it is paused, or closes. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Handlers that have started so far. */
  get started(): number {
    return this.#places.started
  }

  arrived(arrival: Arrival): void {
    const earlyMs = this.take(arrival)
    if (earlyMs > 0) this.#settings.onEarly(earlyMs, this.#hold.size)
  }

  /** As {@link arrived}, without a warning if it is early. @returns by how much it is, in milliseconds */
  take(arrival: Arrival): number {
    const now = this.#environment.clock.now()
    const incoming = incomingOf(arrival, now)
    // Requeued when the subscription has ended: before that, it would come here again.
    if (this.#isStopped) this.#ready.push(incoming)
    else this.#place(incoming)
    return this.#isStopped ? 0 : incoming.readyAt - now
  }

  /** Takes out items of batches that wait for a handler. The caller settles them, or calls {@link readyAgain}. */
  takeLate(items: LateItems): IncomingMessage[] {
    return this.#isStopped ? [] : this.#ready.takeLate(items)
  }

  /** No handler starts until {@link resume}. Call {@link giveBack} when no message comes any more. */
  pause(): void {
    this.#isStopped = true
  }

  resume(): void {
    this.#isStopped = this.#isClosing
    // Messages that came all the same may be early.
    for (const incoming of this.#ready.takeAll()) this.#place(incoming)
  }

  /** Requeues all messages that have not started. */
  giveBack(): void {
    for (const { arrival } of this.#hold.end()) arrival.requeue()
    for (const incoming of this.#ready.takeAll()) this.#requeue(incoming)
  }

  /** From now on no handler starts. Call {@link drain} when the subscription has ended. */
  stop(): void {
    this.#isClosing = true
    this.#isStopped = true
    this.#unwatchGate?.()
    this.#rate?.stop()
  }

  /** Resolves when handlers, retries and dead letters are over, and all other messages are requeued. */
  async drain(): Promise<void> {
    this.giveBack()
    await this.#places.allFree(this.#settings.aborted)
    // Copies that followed a handler learn its outcome first.
    await pause(0)
    this.giveBack()
    await this.settlement.finished()
    this.#copies.releaseAll()
  }

  /** There is no time left for retries and dead letters. */
  abandon(): void {
    this.settlement.abandon()
  }

  /** Makes a message ready, holds it until it is, or puts it back. */
  #place(incoming: IncomingMessage): void {
    // The broker has taken it back, and delivers it again.
    if (!incoming.arrival.live) return
    const earlyMs = incoming.readyAt - this.#environment.clock.now()
    if (earlyMs <= 0) {
      incoming.state = READY
      this.#enqueue(incoming)
    } else if (earlyMs <= LONGEST_HOLD_MS) {
      incoming.state = HELD
      this.#hold.untilReady(incoming)
    } else void incoming.context.runInAsyncScope(this.#putBack, this, incoming, earlyMs)
  }

  #enqueue(incoming: IncomingMessage): void {
    for (const lost of this.#ready.takeLost()) this.#release(lost)
    this.#ready.push(incoming)
    this.#start()
  }

  /** Starts handlers, as far as there are ready messages and free places. */
  #start(): void {
    while (!this.#isStopped && this.#places.taken < this.#settings.concurrency) {
      const incoming = this.#ready.next
      if (!incoming || this.#rate?.isOpen() === false) return
      this.#ready.shift()
      const claim = this.#claim(incoming)
      if (!claim) continue
      this.#places.take()
      const turn = this.#rate?.started()
      void incoming.context
        .runInAsyncScope(this.#handle, this, incoming, claim)
        .then((hasStarted) => this.#ended(hasStarted ? undefined : turn))
    }
  }

  /** Undefined if the message is not to be handled, or not now. */
  #claim(incoming: IncomingMessage): Claim | undefined {
    if (!incoming.arrival.live) {
      this.#release(incoming)
      return undefined
    }
    if (incoming.state.kind === 'claimed') return incoming.state
    const claim = this.#copies.claim(incoming.envelope)
    if (claim === 'running') void this.#follow(incoming)
    else if (claim === 'settled') this.settlement.suppress(incoming)
    else return (incoming.state = claim)
    return undefined
  }

  /** @param turn of a message whose handler did not start */
  #ended(turn: number | undefined): void {
    if (turn !== undefined) this.#rate!.unused(turn)
    this.#places.free()
    this.#start()
  }

  /** Waits for the outcome of a running copy, and takes no handler's place meanwhile. */
  async #follow(incoming: IncomingMessage): Promise<void> {
    incoming.state = FOLLOWING
    this.#following++
    const claim = await this.#copies.claimNext(incoming.envelope)
    this.#following--
    if (claim === 'settled') return this.settlement.suppress(incoming)
    this.readyAgain(incoming, claim)
  }

  readyAgain(incoming: IncomingMessage, state: IncomingMessage['state'] = READY): void {
    incoming.state = state
    if (this.#isStopped) this.#requeue(incoming)
    else this.#enqueue(incoming)
  }

  /**
   * Never rejects, and settles the arrival. It runs for every message, and awaits only what it must.
   *
   * @returns whether a handler was called
   */
  async #handle(incoming: IncomingMessage, claim: Claim): Promise<boolean> {
    if (this.#copies.isShared && !(await this.#confirm(incoming, claim))) return false
    const { handling, onHandlerTime, queue } = this.#settings
    const { clock, events } = this.#environment
    let outcome: HandlingOutcome = DROPPED
    if (!this.#isCancelled(incoming)) {
      const startedAt = onHandlerTime ? clock.monotonic() : 0
      outcome = await handling.run(incoming)
      onHandlerTime?.(clock.monotonic() - startedAt)
    }
    if (outcome.kind === 'handled') this.settlement.counts.handled++
    const verdict = outcome.kind === 'handled' ? 'ack' : await this.settlement.complete(incoming, outcome)
    const ending = this.#copies.end(claim, verdict === 'ack')
    if (ending) await ending
    if (verdict === 'requeue') incoming.arrival.requeue()
    else incoming.arrival.ack()
    if (outcome.kind === 'handled') report(events, queue, incoming, outcome)
    return outcome !== DROPPED
  }

  /** Among all processes. Without success, sees to the message. */
  async #confirm(incoming: IncomingMessage, claim: Claim): Promise<boolean> {
    const confirmed = await this.#copies.confirm(claim)
    // The answer of the store took its time.
    const isOpen = this.#environment.gate?.isOpenFor(incoming.readyAt) !== false
    if (confirmed === 'settled') this.settlement.suppress(incoming)
    else if (confirmed === 'later') this.#lookAgain(incoming, COPY_ELSEWHERE_MS)
    else if (!isOpen) {
      await this.#copies.end(claim, false)
      this.readyAgain(incoming)
    } else return true
    return false
  }

  #isCancelled({ envelope }: IncomingMessage): boolean {
    const { isCancelled } = this.#environment
    return isCancelled !== undefined && isCancelled(envelope)
  }

  #lookAgain(incoming: IncomingMessage, afterMs: number): void {
    incoming.state = HELD
    if (this.#isStopped) incoming.arrival.requeue()
    else this.#hold.pause(incoming, afterMs)
  }

  async #putBack(incoming: IncomingMessage, earlyMs: number): Promise<void> {
    const isSettled = await this.settlement.putBack(incoming)
    if (!isSettled) this.#lookAgain(incoming, Math.min(earlyMs, LONGEST_HOLD_MS))
  }

  #requeue(incoming: IncomingMessage): void {
    this.#release(incoming)
    incoming.arrival.requeue()
  }

  /** Lets another copy have its turn, if this one has claimed it. */
  #release({ state }: IncomingMessage): void {
    if (state.kind === 'claimed') this.#copies.release(state)
  }
}
