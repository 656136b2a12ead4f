import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Arrival, Subscription } from '../broker.js'
import { drainTimes, endsWithin, type DrainTimes } from '../base/drain.js'
import { readyAt } from '../message/delayed-message.js'
import { decodeEnvelope } from '../message/envelope.js'
import { DuequeError, isForEver } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import { throttle } from '../base/throttle.js'
import { AutoPrefetch } from './auto-prefetch.js'
import { Dedupe } from './dedupe.js'
import { checkHandlers, type Handler } from './delivery.js'
import { duplicateKey, type Duplicates } from './duplicates.js'
import { earlyWarnings } from './early-warnings.js'
import type { ConsumerEnvironment } from './environment.js'
import { Handling, type Fate, type Item } from './handling.js'
import { Holds } from './holds.js'
import { resolveClose, resolveConsume, type CloseOptions, type ConsumeOptions } from './options.js'
import { FollowUps } from './follow-ups.js'
import { putBackOf } from './put-back.js'
import { report } from './report.js'
import { closingInHandler, runningHandler } from './running-handler.js'
import type { Consumer, ConsumerStats } from './stats.js'

/** For handlers to end that were told to by their signal. */
const ABORT_GRACE_MS = 100
/** For a consumer to start that is closed meanwhile. */
const LONGEST_START_MS = 3000
/** A copy whose twin is handled in another process is looked at again. */
const TWIN_LOOK_MS = 250
/** What comes earlier than this is put back to wait in the broker instead of holding a place of the prefetch. */
const LONGEST_HOLD_MS = 30_000

/**
 * The way of an arrival, and what becomes of it:
 *
 * | what happens                                        | to the message                                         |
 * |-----------------------------------------------------|--------------------------------------------------------|
 * | early, by up to 30 s                                | held here until due                                    |
 * | earlier                                             | scheduled again to this queue, then ack                |
 * | a copy of a settled message                         | ack, counted as suppressed                             |
 * | a copy of a running message                         | waits for that one's outcome                           |
 * | either, in another process, with `dedupe`           | the same; waits as well while the store is away        |
 * | handler returns                                     | ack                                                    |
 * | handler throws, and the policy has attempts left    | waits again as its next attempt, for this queue; then ack |
 * | handler calls `retry`                               | the same, whatever the policy says                     |
 * | handler throws, without such a policy; calls `deadLetter` | to the dead queue with the reason, then ack      |
 * | no handler, schema or version fits; expired         | to the dead queue with the reason, then ack            |
 * | neither can be reached                              | tried until it can; back to the queue if the consumer closes |
 * | the connection is lost                              | the broker delivers it again; suppressed if settled    |
 */
export class RunningConsumer implements Consumer {
  readonly queue: string
  readonly handlers: readonly Handler[]
  readonly #options: ReturnType<typeof resolveConsume>
  readonly #handling: Handling
  readonly #environment: ConsumerEnvironment
  readonly #duplicates: Duplicates
  /** Keys that other copies wait for. */
  readonly #claimed = new Set<string>()
  readonly #dedupe: Dedupe | undefined
  readonly #ready = new Fifo<Item>()
  readonly #held: Holds
  readonly #isNews: (what: string) => boolean
  readonly #warnOfEarly: ReturnType<typeof earlyWarnings>
  readonly #followUps: FollowUps
  readonly #prefetch: AutoPrefetch | undefined
  readonly #abort = new AbortController()
  readonly #stats = { handled: 0, retried: 0, dead: 0, suppressed: 0, putBack: 0, running: 0, following: 0 }
  #starting: Promise<Subscription> | undefined
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined
  #abandon: ((error: DuequeError) => void) | undefined

  constructor(queue: string, handlers: readonly Handler[], options: ConsumeOptions, environment: ConsumerEnvironment) {
    this.queue = queue
    this.handlers = checkHandlers(handlers)
    const { clock, logger, strategy } = environment
    this.#options = resolveConsume(options, strategy.limits, logger)
    const { retry, handlerTimeoutMs, concurrency } = this.#options
    if (options.prefetch === undefined) this.#prefetch = new AutoPrefetch(concurrency, strategy.limits.leadMs)
    this.#environment = environment
    // Each running handler may listen.
    setMaxListeners(0, this.#abort.signal)
    this.#handling = new Handling({
      queue,
      handlers: this.handlers,
      retry,
      handlerTimeoutMs,
      maxDelayMs: strategy.limits.maxDelayMs,
      clock,
      logger,
      closing: this.#abort.signal,
      running: { connection: environment.connection, consumer: this, queue },
    })
    this.#followUps = new FollowUps(queue, environment, () => this.#closing !== undefined)
    this.#dedupe = options.dedupe && new Dedupe(options.dedupe, { ...environment, queue, closing: this.#abort.signal })
    this.#held = new Holds(clock, (item) => {
      item.arrivedAt = clock.now()
      this.#sort(item)
    })
    this.#isNews = throttle(clock)
    this.#warnOfEarly = earlyWarnings(queue, environment, this.#isNews)
    // Behind all that may throw.
    this.#duplicates = environment.duplicates.join(queue, this.#options.duplicates)
  }

  async start(): Promise<this> {
    const { prefetch, declare } = this.#options
    const { broker } = this.#environment
    const listener = (arrival: Arrival) => this.#arrived(arrival)
    this.#starting = broker.subscribe({ queue: this.queue }, { prefetch, declare }, listener)
    const closed = new Promise<never>((_, reject) => (this.#abandon = reject))
    closed.catch(() => undefined)
    try {
      await Promise.race([this.#starting, closed])
    } catch (error) {
      this.#leave()
      throw error
    }
    return this
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  stats(): ConsumerStats {
    return { ...this.#stats, held: this.#held.size }
  }

  close(options?: CloseOptions): Promise<void> {
    const closing = this.end(options)
    const handler = runningHandler()
    if (handler?.consumer !== this) return closing
    return closingInHandler(handler, closing, this.#environment.onError)
  }

  /** Closes, whoever asks. */
  async end(options?: CloseOptions): Promise<void> {
    const { drainTimeoutMs } = resolveClose(options)
    this.#closing ??= this.#close(drainTimes(drainTimeoutMs))
    return this.#closing
  }

  async #close(times: DrainTimes): Promise<void> {
    const timers = [
      setTimeout(() => this.#abort.abort(), times.handlersMs),
      setTimeout(() => this.#followUps.abandon(), times.followUpsMs),
    ]
    try {
      const isOver = await endsWithin(this.#drain(), times.wholeMs)
      if (!isOver) this.#environment.logger.warn('the consumer closed before all was over', { queue: this.queue })
    } finally {
      for (const timer of timers) clearTimeout(timer)
      this.#abandon?.(new DuequeError('CLOSED', 'the consumer was closed before it had started', {}))
      this.#leave()
    }
  }

  async #drain(): Promise<void> {
    const subscription = await this.#started()
    await subscription?.cancel()
    for (const { arrival } of this.#held.end()) arrival.requeue()
    this.#giveBack()
    await this.#drained()
    // What was waiting for a twin hears of its outcome first.
    await pause(0)
    this.#giveBack()
    await this.#followUps.finished()
    // Their handlers are left behind, and their copies are another consumer's.
    for (const key of this.#claimed) this.#finish(key, false)
    await subscription?.close()
  }

  #leave(): void {
    const { duplicates, onClosed } = this.#environment
    if (onClosed()) duplicates.leave(this.queue, this.#options.duplicates)
  }

  /** Until no handler runs any more, or they were told to stop and did not. */
  async #drained(): Promise<void> {
    if (this.#stats.running === 0) return
    const { signal } = this.#abort
    await new Promise<void>((resolve) => {
      this.#idle = resolve
      const stop = () => setTimeout(resolve, ABORT_GRACE_MS)
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
    })
  }

  /** What no handler has seen. */
  #giveBack(): void {
    for (let item = this.#ready.shift(); item; item = this.#ready.shift()) {
      this.#release(item)
      item.arrival.requeue()
    }
  }

  /** What there is to close. One that still waits for the broker is closed when it has come. */
  async #started(): Promise<Subscription | undefined> {
    // One that failed to start has told its caller.
    const starting = this.#starting?.catch(() => undefined)
    const late = pause(LONGEST_START_MS, undefined, { ref: false })
    const subscription = await Promise.race([starting, late])
    if (!subscription) void starting?.then((started) => started?.close())
    return subscription
  }

  #arrived(arrival: Arrival): void {
    const now = this.#environment.clock.now()
    const envelope = decodeEnvelope(arrival)
    const due = { dueAt: envelope.dueAt ?? now, readyAt: readyAt(envelope), arrivedAt: now }
    const item: Item = { arrival, envelope, ...due, claimed: false }
    // Given back when the subscription has ended: it would come here again.
    if (this.#closing) return this.#ready.push(item)
    this.#sort(item)
    if (item.readyAt <= now) return
    this.#warnOfEarly(item.readyAt - now, this.#options.prefetch, this.#held.size)
  }

  /** Ready, held until it is, or put back; also for what was held because it could not be put back. */
  #sort(item: Item): void {
    // One that the broker took back will come again.
    if (!item.arrival.live) return
    const earlyMs = item.readyAt - this.#environment.clock.now()
    if (earlyMs <= 0) return this.#enqueue(item)
    if (earlyMs <= LONGEST_HOLD_MS) return this.#held.untilReady(item)
    void this.#followUps.track(this.#putBack(item))
  }

  #enqueue(item: Item): void {
    this.#ready.push(item)
    this.#next()
  }

  #next(): void {
    while (!this.#closing && this.#stats.running < this.#options.concurrency) {
      const item = this.#ready.shift()
      if (!item) return
      if (!item.arrival.live) {
        this.#release(item)
        continue
      }
      const key = duplicateKey(item.envelope)
      if (key !== undefined && !item.claimed && this.#duplicates.isRunning(key)) {
        void this.#follow(item, key)
        continue
      }
      this.#stats.running++
      void this.#run(item, key).finally(this.#ended)
    }
  }

  readonly #ended = (): void => {
    this.#stats.running--
    if (this.#stats.running === 0) this.#idle?.()
    this.#next()
  }

  /** Waits for the outcome of a twin that runs, and takes no handler's place meanwhile. */
  async #follow(item: Item, key: string): Promise<void> {
    this.#stats.following++
    const isMine = await this.#duplicates.claimNext(key, this.#environment.clock.monotonic())
    this.#stats.following--
    if (!isMine) return this.#suppress(item)
    item.claimed = true
    this.#claimed.add(key)
    if (!this.#closing) return this.#enqueue(item)
    this.#release(item)
    item.arrival.requeue()
  }

  #suppress({ arrival }: Item): void {
    this.#stats.suppressed++
    arrival.ack()
  }

  /** Lets another copy have its turn, if this one has claimed it. */
  #release({ envelope, claimed }: Item): void {
    const key = duplicateKey(envelope)
    if (claimed && key !== undefined) this.#finish(key, false)
  }

  /** One that was left behind has been released, and is heard of only if it is settled in the end. */
  #finish(key: string, settled: boolean): void {
    const isMine = this.#claimed.delete(key)
    if (isMine || settled) this.#duplicates.finish(key, settled, this.#environment.clock.monotonic())
  }

  /** Never rejects: each way out of here settles the arrival. Awaits nothing in vain, since it runs for every message. */
  async #run(item: Item, key: string | undefined): Promise<void> {
    if (key !== undefined) {
      if (!item.claimed && !this.#duplicates.claim(key, this.#environment.clock.monotonic()))
        return this.#suppress(item)
      this.#claimed.add(key)
      const elsewhere = this.#dedupe ? await this.#dedupe.claim(key) : 'claimed'
      if (elsewhere === 'settled') {
        this.#finish(key, true)
        return this.#suppress(item)
      }
      if (elsewhere !== 'claimed') return this.#later(item, key)
    }
    const prefetch = this.#prefetch
    const startedAt = prefetch ? this.#environment.clock.monotonic() : 0
    const fate = await this.#handling.run(item)
    if (prefetch) this.#tune(prefetch, startedAt)
    if (fate.kind === 'handled') this.#stats.handled++
    const settled = fate.kind === 'handled' || (await this.#settle(item, fate))
    if (key !== undefined) {
      if (this.#dedupe) await this.#dedupe.finish(key, settled)
      this.#finish(key, settled)
    }
    if (settled) item.arrival.ack()
    else item.arrival.requeue()
    if (fate.kind === 'handled') report(this.#environment.events, this.queue, item, fate)
  }

  /** The prefetch that nobody chose goes by what handlers take. */
  #tune(prefetch: AutoPrefetch, startedAt: number): void {
    if (!prefetch.took(this.#environment.clock.monotonic() - startedAt)) return
    this.#options.prefetch = prefetch.value
    void this.#starting?.then((subscription) => subscription.setPrefetch?.(prefetch.value))
  }

  /** Until its twin in another process has an outcome, or the store can be asked. */
  #later(item: Item, key: string): void {
    this.#finish(key, false)
    item.claimed = false
    if (this.#closing) item.arrival.requeue()
    else this.#held.pause(item, TWIN_LOOK_MS)
  }

  /** Whether the message is safe where it goes next. */
  async #settle(item: Item, fate: Exclude<Fate, { kind: 'handled' }>): Promise<boolean> {
    if (fate.kind === 'given back') return false
    const done = await this.#followUps.move(item, fate)
    if (done) this.#stats[done]++
    return done !== undefined
  }

  /** Back into the strategy, for this queue alone; a time that no strategy could wait for was never ours. Never rejects. */
  async #putBack(item: Item): Promise<void> {
    const { strategy, clock, logger, onError } = this.#environment
    const { arrival, envelope } = item
    const earlyMs = item.readyAt - clock.now()
    const giveUp = async (why: string) => {
      const error = `due in ${earlyMs} ms: ${why}`
      const isDead = await this.#settle(item, { kind: 'dead', reason: 'invalid-due', error, failed: false })
      if (isDead) arrival.ack()
      else arrival.requeue()
    }
    if (earlyMs > strategy.limits.maxDelayMs) return giveUp('no message can wait that long')
    if (this.#isNews('far')) {
      const about = { queue: this.queue, id: envelope.id, earlyMs }
      logger.warn('arrived far too early, scheduled again: do the clocks differ?', about)
    }
    try {
      const { message, holdMs } = putBackOf(arrival, envelope, this.queue, clock.now(), earlyMs)
      await strategy.schedule(message, { declare: false, holdMs })
      this.#stats.putBack++
      arrival.ack()
    } catch (error) {
      if (isForEver(error)) return giveUp(error.message)
      onError(error)
      if (this.#closing) arrival.requeue()
      else this.#held.pause(item, Math.min(earlyMs, LONGEST_HOLD_MS))
    }
  }
}
