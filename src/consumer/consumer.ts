import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Arrival, Subscription } from '../broker.js'
import { drainTimes, type DrainTimes } from '../base/drain.js'
import { endsWithin } from '../base/time-limit.js'
import { DuequeError } from '../base/errors.js'
import { AutoPrefetch } from './auto-prefetch.js'
import { Batches } from './batches/batches.js'
import { subscribeBoth } from './batches/subscribe-both.js'
import { Copies } from './copies/copies.js'
import { Dedupe } from './copies/dedupe.js'
import { checkHandlers, namesOf, type Handler } from './delivery.js'
import { Dispatch } from './dispatch.js'
import { earlyWarnings } from './early-warnings.js'
import type { ConsumerEnvironment } from './environment.js'
import { Handling } from './handling.js'
import { resolveClose, resolveConsume, type CloseOptions, type ConsumeOptions } from './options.js'
import { closingInHandler, runningHandler } from './running-handler.js'
import type { Consumer, ConsumerStats } from './stats.js'

/** How long a close waits for a consumer that is still starting. */
const LONGEST_START_MS = 3000

/** A consumer from its subscription to its close. What happens to a message in between is {@link Dispatch}'s. */
export class RunningConsumer implements Consumer {
  readonly queue: string
  readonly handlers: readonly Handler[]
  /** Handles nothing while it cannot be proved that every cancellation is read. */
  readonly waitsForTail: boolean
  readonly #options: ReturnType<typeof resolveConsume>
  readonly #environment: ConsumerEnvironment
  readonly #dispatch: Dispatch
  readonly #batches: Batches | undefined
  /** Aborted when handlers have no more time. */
  readonly #abort = new AbortController()
  #starting: Promise<Subscription> | undefined
  /** From then on the broker may send messages. */
  #isSubscribing = false
  #isPaused = false
  #switching: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  /** Tells telemetry that this consumer is over. */
  #ended: (() => void) | undefined
  #hasLeft = false
  #abandonStart: ((error: DuequeError) => void) | undefined

  constructor(queue: string, handlers: readonly Handler[], options: ConsumeOptions, environment: ConsumerEnvironment) {
    this.queue = queue
    this.handlers = checkHandlers(handlers)
    this.waitsForTail = options.cancellations !== 'off' && options.onTailDown === 'wait'
    const { logger, strategy } = environment
    this.#options = resolveConsume(options, strategy.limits, logger)
    this.#environment = environment
    // Each running handler may listen.
    setMaxListeners(0, this.#abort.signal)
    this.#dispatch = this.#newDispatch(options)
    this.#batches = options.batches ? this.#newBatches() : undefined
  }

  #newDispatch(options: ConsumeOptions): Dispatch {
    const { queue } = this
    const { concurrency, duplicates } = this.#options
    const environment = this.#environment
    const { clock, strategy } = environment
    const { signal } = this.#abort
    const dedupe = options.dedupe && new Dedupe(options.dedupe, { ...environment, queue, closing: signal })
    const warnOfEarly = earlyWarnings(queue, environment)
    const isAuto = options.prefetch === undefined
    const prefetch = isAuto ? new AutoPrefetch(concurrency, strategy.limits.leadMs, options.ratePerSecond) : undefined
    return new Dispatch({
      queue,
      concurrency,
      ratePerSecond: options.ratePerSecond,
      environment,
      handling: this.#newHandling(),
      aborted: signal,
      onEarly: (earlyMs, held) => warnOfEarly(earlyMs, this.#options.prefetch, this.#heldSingles(held)),
      onHandlerTime: prefetch && ((ms) => this.#tune(prefetch, ms)),
      // Behind all that may throw: who joins has to leave.
      copies: new Copies(clock, environment.duplicates.join(queue, duplicates), dedupe),
    })
  }

  /** Of all that are held: items of batches have a prefetch of their own. Counts them only if it matters. */
  #heldSingles(held: number): number {
    return this.#batches && held >= this.#options.prefetch ? held - this.#batches.items : held
  }

  #newBatches(): Batches {
    const { concurrency } = this.#options
    const prefetch = () => this.#options.prefetch
    return new Batches({
      queue: this.queue,
      concurrency,
      prefetch,
      environment: this.#environment,
      dispatch: this.#dispatch,
    })
  }

  #newHandling(): Handling {
    const { queue, handlers } = this
    const { retry, handlerTimeoutMs } = this.#options
    const { clock, logger, strategy, connection, hooks, isCancelled } = this.#environment
    return new Handling({
      queue,
      handlers,
      retry,
      handlerTimeoutMs,
      maxDelayMs: strategy.limits.maxDelayMs,
      clock,
      logger,
      hooks,
      isCancelled,
      closing: this.#abort.signal,
      running: { connection, consumer: this, queue },
    })
  }

  async start(): Promise<this> {
    this.#starting = this.#subscribe()
    const closed = new Promise<never>((_, reject) => (this.#abandonStart = reject))
    closed.catch(() => undefined)
    // Behind the subscription, which a hook that closes the consumer has to end.
    this.#ended = this.#environment.hooks?.consuming(this, namesOf(this.handlers))
    if (this.#hasLeft) this.#ended?.()
    try {
      await Promise.race([this.#starting, closed])
    } catch (error) {
      this.#dispatch.stop()
      this.#leave()
      throw error
    }
    return this
  }

  async #subscribe(): Promise<Subscription> {
    const { broker, ready } = this.#environment
    if (ready) await ready()
    if (this.#closing) throw closedBefore()
    this.#isSubscribing = true
    const from = { queue: this.queue }
    const batches = this.#batches
    const options = () => ({ prefetch: this.#options.prefetch, declare: this.#options.declare })
    const singles = () => broker.subscribe(from, options(), (arrival: Arrival) => this.#dispatch.arrived(arrival))
    if (!batches) return singles()
    const takeBatch = (arrival: Arrival) => batches.arrived(arrival)
    return subscribeBoth(await broker.subscribe(from, { ...options(), batches: true }, takeBatch), singles)
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  async pause(): Promise<void> {
    await this.#switch(true, async (subscription) => {
      this.#dispatch.pause()
      await subscription.pause()
      this.#dispatch.giveBack()
      this.#batches?.giveBack()
    })
    // Not in its turn: while the producer is blocked, a resume would have to wait.
    await this.#batches?.allBack()
  }

  resume(): Promise<void> {
    return this.#switch(false, async (subscription) => {
      this.#dispatch.resume()
      this.#batches?.resume()
      await subscription.resume()
    })
  }

  /** In turn, so that the last call wins. */
  async #switch(isPaused: boolean, work: (subscription: Subscription) => Promise<void>): Promise<void> {
    const switching = this.#switching.then(async () => {
      if (this.#closing || !this.#starting) throw new DuequeError('CLOSED', 'the consumer is closed', {})
      const subscription = await this.#starting
      if (this.#isPaused === isPaused) return
      this.#isPaused = isPaused
      await work(subscription)
    })
    this.#switching = switching.catch(() => undefined)
    return switching
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  stats(): ConsumerStats {
    const { dropped: cancelled, ...stats } = this.#dispatch.counts
    return { ...stats, cancelled }
  }

  close(options?: CloseOptions): Promise<void> {
    const closing = this.end(options)
    const handler = runningHandler()
    if (handler?.consumer !== this) return closing
    return closingInHandler(handler, closing, this.#environment.onError)
  }

  /** As {@link close}, also when a handler's connection closes. */
  async end(options?: CloseOptions): Promise<void> {
    const { drainTimeoutMs } = resolveClose(options)
    this.#closing ??= this.#close(drainTimes(drainTimeoutMs))
    return this.#closing
  }

  async #close(times: DrainTimes): Promise<void> {
    const timers = [
      setTimeout(() => this.#abort.abort(), times.handlersMs),
      setTimeout(() => this.#dispatch.abandon(), times.followUpsMs),
    ]
    try {
      const isOver = await endsWithin(this.#drain(), times.wholeMs)
      if (!isOver) this.#environment.logger.warn('the consumer closed before all was over', { queue: this.queue })
    } finally {
      for (const timer of timers) clearTimeout(timer)
      this.#abandonStart?.(closedBefore())
      this.#leave()
    }
  }

  async #drain(): Promise<void> {
    this.#dispatch.stop()
    const subscription = await this.#started()
    await subscription?.cancel()
    this.#batches?.giveBack()
    await this.#dispatch.drain()
    await this.#batches?.leaveRest()
    await subscription?.close()
  }

  #leave(): void {
    this.#batches?.stop()
    const { duplicates, onClosed } = this.#environment
    if (onClosed()) duplicates.leave(this.queue, this.#options.duplicates)
    this.#hasLeft = true
    this.#ended?.()
  }

  /** The subscription, to be closed. One that still waits for the broker is closed when it has come. */
  async #started(): Promise<Subscription | undefined> {
    if (!this.#isSubscribing) return undefined
    // One that failed to start has told its caller.
    const starting = this.#starting?.catch(() => undefined)
    const late = pause(LONGEST_START_MS, undefined, { ref: false })
    const subscription = await Promise.race([starting, late])
    if (!subscription) void starting?.then((started) => started?.close())
    return subscription
  }

  /** A prefetch that nobody chose follows the time that handlers take. */
  #tune(prefetch: AutoPrefetch, ms: number): void {
    if (!prefetch.took(ms)) return
    this.#options.prefetch = prefetch.value
    // One that could not start has told its caller, though handlers of its batches may have run.
    this.#starting?.then((subscription) => subscription.setPrefetch?.(prefetch.value)).catch(() => undefined)
  }
}

function closedBefore(): DuequeError {
  return new DuequeError('CLOSED', 'the consumer was closed before it had started', {})
}
