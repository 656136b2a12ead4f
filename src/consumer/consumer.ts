import { setTimeout as pause } from 'node:timers/promises'
import type { Arrival, Broker, Subscription } from '../broker.js'
import { LONGEST_TIMER_MS, type Clock } from '../clock.js'
import { DueQueue } from '../due-queue.js'
import { decodeEnvelope, sentOn, type Envelope } from '../envelope.js'
import { invalidOption } from '../errors.js'
import { Fifo } from '../fifo.js'
import type { Logger } from '../logger.js'
import { decodePayload } from '../message.js'
import type { Resolved } from '../resolved.js'
import type { Strategy } from '../strategies/strategy.js'
import type { Delivery, Handler } from './delivery.js'
import { Duplicates, type DuplicateWindow } from './duplicates.js'
import { Refusal, asRefusal, choose, deathOf } from './outcome.js'

export interface ConsumeOptions {
  /** Messages that the broker may send ahead, 1 to 65535. @default 100 */
  prefetch?: number | undefined
  /** Handlers that run at the same time. @default 10 */
  concurrency?: number | undefined
  /** Declares the queue if it is missing. An existing queue is consumed as it is. @default true */
  declare?: boolean | undefined
  /** For how long, and how many, settled messages are remembered, so that a second copy is not handled. */
  duplicates?: DuplicateWindow | undefined
}

/** What a consumer has done since it started. */
export interface ConsumerStats {
  /** Handlers that returned. */
  readonly handled: number
  /** Given up: moved to the dead queue. */
  readonly dead: number
  /** Copies of settled messages that were not handled again. */
  readonly suppressed: number
  /** Arrived early and waiting in this process. */
  readonly held: number
  readonly running: number
}

/** A running consumer. */
export interface Consumer {
  readonly queue: string
  stats(): ConsumerStats
  /**
   * Stops taking messages, waits for the handlers that run, gives everything else back to the broker.
   *
   * @param options.drainTimeoutMs after which the handlers' signal is aborted and they are left behind. @default 30_000
   */
  close(options?: { drainTimeoutMs?: number }): Promise<void>
}

export interface ConsumerEnvironment {
  broker: Broker
  strategy: Strategy
  clock: Clock
  logger: Logger
  onError: (error: unknown) => void
  onClosed: () => void
}

const PAUSE_AFTER_FAILURE_MS = 1000
/** What comes earlier than this is put back to wait in the broker instead of holding a place of the prefetch. */
const LONGEST_HOLD_MS = 30_000

interface Item {
  readonly arrival: Arrival
  readonly envelope: Envelope
  readonly dueAt: number
  /** From when on it could be handled. */
  arrivedAt: number
}

/**
 * The way of an arrival, and what becomes of it:
 *
 * | what happens                                        | to the message                                         |
 * |-----------------------------------------------------|--------------------------------------------------------|
 * | early, by up to 30 s                                | held here until due                                    |
 * | earlier                                             | scheduled again to this queue, then ack                |
 * | a copy of a settled message                         | ack, counted as suppressed                             |
 * | a copy of a running message                         | waits for that one's outcome                           |
 * | handler returns                                     | ack                                                    |
 * | handler throws; no handler, schema or version fits; expired | to the dead queue with the reason, then ack    |
 * | the dead queue cannot be reached                    | back to the queue                                      |
 * | the connection is lost                              | the broker delivers it again; suppressed if settled    |
 */
export class RunningConsumer implements Consumer {
  readonly queue: string
  readonly #handlers: readonly Handler[]
  readonly #options: Resolved<ConsumeOptions>
  readonly #environment: ConsumerEnvironment
  readonly #duplicates: Duplicates
  readonly #ready = new Fifo<Item>()
  readonly #held: DueQueue<Item>
  readonly #puttingBack = new Set<Promise<void>>()
  readonly #abort = new AbortController()
  readonly #stats = { handled: 0, dead: 0, suppressed: 0, running: 0 }
  #starting: Promise<Subscription> | undefined
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(queue: string, handlers: readonly Handler[], options: ConsumeOptions, environment: ConsumerEnvironment) {
    this.queue = queue
    this.#handlers = checkHandlers(handlers)
    this.#options = resolveOptions(options)
    this.#environment = environment
    this.#duplicates = new Duplicates(this.#options.duplicates)
    this.#held = new DueQueue(environment.clock, (item) => this.#sort(item))
  }

  async start(): Promise<this> {
    const { prefetch, declare } = this.#options
    const { broker } = this.#environment
    const listener = (arrival: Arrival) => this.#arrived(arrival)
    this.#starting = broker.subscribe({ queue: this.queue }, { prefetch, declare }, listener)
    try {
      await this.#starting
    } catch (error) {
      this.#environment.onClosed()
      throw error
    }
    return this
  }

  stats(): ConsumerStats {
    return { ...this.#stats, held: this.#held.size }
  }

  close({ drainTimeoutMs = 30_000 } = {}): Promise<void> {
    this.#closing ??= this.#close(drainTimeoutMs)
    return this.#closing
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    const subscription = await this.#started(drainTimeoutMs)
    await subscription?.cancel()
    const rest = this.#held.clear()
    for (let item = this.#ready.shift(); item; item = this.#ready.shift()) rest.push(item)
    for (const { arrival } of rest) arrival.requeue()
    if (this.#stats.running > 0) {
      const timer = setTimeout(
        () => {
          this.#abort.abort()
          this.#idle?.()
        },
        Math.min(drainTimeoutMs, LONGEST_TIMER_MS),
      )
      await new Promise<void>((resolve) => (this.#idle = resolve))
      clearTimeout(timer)
    }
    await Promise.all(this.#puttingBack)
    await subscription?.close()
    this.#environment.onClosed()
  }

  /** What there is to close. One that still waits for the broker is closed when it has come. */
  async #started(patienceMs: number): Promise<Subscription | undefined> {
    // One that failed to start has told its caller.
    const starting = this.#starting?.catch(() => undefined)
    const late = pause(Math.min(patienceMs, 3000), undefined, { ref: false })
    const subscription = await Promise.race([starting, late])
    if (!subscription) void starting?.then((started) => started?.close())
    return subscription
  }

  #arrived(arrival: Arrival): void {
    if (this.#closing) return arrival.requeue()
    const now = this.#environment.clock.now()
    const envelope = decodeEnvelope(arrival)
    const dueAt = envelope.dueAt ?? now
    const item: Item = { arrival, envelope, dueAt, arrivedAt: now }
    this.#sort(item)
  }

  /** Due, held until due, or put back; also for what was held because it could not be put back. */
  #sort(item: Item): void {
    const earlyMs = item.dueAt - this.#environment.clock.now()
    if (earlyMs <= 0) return this.#enqueue(item)
    if (earlyMs <= LONGEST_HOLD_MS) return this.#held.add(item, item.dueAt)
    const puttingBack = this.#putBack(item).finally(() => this.#puttingBack.delete(puttingBack))
    this.#puttingBack.add(puttingBack)
  }

  #enqueue(item: Item): void {
    item.arrivedAt = Math.max(item.arrivedAt, item.dueAt)
    this.#ready.push(item)
    this.#next()
  }

  #next(): void {
    while (!this.#closing && this.#stats.running < this.#options.concurrency) {
      const item = this.#ready.shift()
      if (!item) return
      // One that the broker took back will come again.
      if (!item.arrival.live) continue
      this.#stats.running++
      void this.#run(item).finally(() => {
        this.#stats.running--
        if (this.#stats.running === 0) this.#idle?.()
        this.#next()
      })
    }
  }

  /** Never rejects: each way out of here settles the arrival. */
  async #run(item: Item): Promise<void> {
    const { clock } = this.#environment
    const key = duplicateKey(item.envelope)
    if (key !== undefined && !(await this.#duplicates.claim(key, clock.now()))) {
      this.#stats.suppressed++
      return item.arrival.ack()
    }
    const settled = await this.#handle(item)
    if (key !== undefined) this.#duplicates.finish(key, settled, clock.now())
    if (settled) item.arrival.ack()
    else item.arrival.requeue()
  }

  /** Whether the message is done with: handled, or safe in the dead queue. */
  async #handle(item: Item): Promise<boolean> {
    try {
      await this.#callHandler(item)
      this.#stats.handled++
      return true
    } catch (error) {
      // One that was told to stop has not failed, and one that the broker took back is another's by now.
      if (this.#abort.signal.aborted || !item.arrival.live) return false
      return this.#bury(item, error)
    }
  }

  async #callHandler({ arrival, envelope, dueAt, arrivedAt }: Item): Promise<void> {
    const { expiresAt } = envelope
    const now = this.#environment.clock.now()
    if (expiresAt !== undefined && now >= expiresAt) {
      throw new Refusal('expired', `expired ${now - expiresAt} ms before its handler could start`)
    }
    const handler = choose(this.#handlers, envelope)
    if (handler instanceof Refusal) throw handler
    const delivery: Delivery = {
      name: envelope.name ?? '',
      id: envelope.id ?? '',
      payload: await this.#payload(handler, arrival, envelope),
      dueAt: new Date(dueAt),
      arrivedAt: new Date(arrivedAt),
      latenessMs: arrivedAt - dueAt,
      attempt: envelope.attempt,
      routingKey: arrival.routingKey,
      exchange: arrival.exchange,
      headers: envelope.headers,
      signal: this.#abort.signal,
    }
    await handler.handle(delivery as Delivery<never>)
  }

  async #payload({ definition }: Handler, { body }: Arrival, { version }: Envelope): Promise<unknown> {
    try {
      return await decodePayload(definition, body, version)
    } catch (error) {
      throw asRefusal(error)
    }
  }

  async #bury({ arrival, envelope }: Item, error: unknown): Promise<boolean> {
    const { broker, clock, logger, onError } = this.#environment
    const death = deathOf(error, clock.now())
    logger.warn('message given up', { queue: this.queue, id: envelope.id, reason: death.reason, error: death.error })
    try {
      await broker.bury(this.queue, arrival, death)
      this.#stats.dead++
      return true
    } catch (failure) {
      onError(failure)
      // It comes again at once.
      await pause(PAUSE_AFTER_FAILURE_MS)
      return false
    }
  }

  /** Back into the strategy, for this queue alone; a time that no strategy could wait for was never ours. Never rejects. */
  async #putBack(item: Item): Promise<void> {
    const { strategy, clock, logger, onError } = this.#environment
    const { arrival, envelope, dueAt } = item
    const earlyMs = dueAt - clock.now()
    if (earlyMs > strategy.limits.maxDelayMs) {
      const refusal = new Refusal('invalid-due', `due in ${earlyMs} ms: no message can wait that long`)
      return (await this.#bury(item, refusal)) ? arrival.ack() : arrival.requeue()
    }
    logger.warn('arrived far too early, scheduled again: do the clocks differ?', {
      queue: this.queue,
      id: envelope.id,
      earlyMs,
    })
    try {
      await strategy.schedule(sentOn(arrival, envelope, { queue: this.queue }, clock.now()), { declare: false })
      arrival.ack()
    } catch (error) {
      onError(error)
      if (this.#closing) arrival.requeue()
      else this.#held.add(item, Math.min(dueAt, clock.now() + LONGEST_HOLD_MS))
    }
  }
}

/** A foreign message without id or revision cannot be told from another. */
function duplicateKey({ dedupeKey, id, revision, attempt }: Envelope): string | undefined {
  if (dedupeKey !== undefined) return `${dedupeKey}\0${attempt}`
  if (id === undefined || revision === undefined) return undefined
  return `${id}\0${revision}\0${attempt}`
}

function checkHandlers(handlers: readonly Handler[]): readonly Handler[] {
  const count: unknown = (handlers as { length?: unknown } | undefined)?.length
  if (typeof count !== 'number' || count === 0)
    throw invalidOption('handlers', 'at least one on(message, handler)', handlers)
  const names = handlers.map(({ definition }) => definition?.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (new Set(names).size < names.length) throw invalidOption('handlers', 'one handler for each message', twice)
  return handlers
}

function resolveOptions(options: ConsumeOptions): Resolved<ConsumeOptions> {
  const { prefetch = 100, concurrency = 10, declare = true, duplicates = {} } = options
  if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > 65_535) {
    throw invalidOption('prefetch', 'a whole number from 1 to 65535', prefetch)
  }
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw invalidOption('concurrency', 'a whole number from 1', concurrency)
  return { prefetch, concurrency, declare, duplicates }
}
