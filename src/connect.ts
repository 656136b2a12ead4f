import { AmqpBroker } from './amqp/amqp-broker.js'
import type { ConnectionEvents } from './amqp/connection/connection.js'
import { MAX_BYTES_IN_FLIGHT } from './amqp/publish/in-flight.js'
import { assertOutside } from './amqp/topology/reserved-names.js'
import { UnroutableForwarder } from './forwarding/unroutable.js'
import { RunningConsumer } from './consumer/consumer.js'
import { differingNames, type Handler } from './consumer/delivery.js'
import { SharedDuplicates } from './consumer/copies/shared-duplicates.js'
import { checkConsume, resolveClose, type CloseOptions, type ConsumeOptions } from './consumer/options.js'
import { closingInHandler, runningHandler } from './consumer/running-handler.js'
import type { Consumer } from './consumer/stats.js'
import { checkQueueName } from './message/destination.js'
import { drainTimes } from './base/drain.js'
import { endsWithin } from './base/time-limit.js'
import { DuequeError, invalidOption, shown } from './base/errors.js'
import { Events, type DuequeEvents, type ParkedEvent } from './events.js'
import type { Dueque, ScheduleItem } from './dueque.js'
import type { Health } from './health.js'
import { checkDefinition, encodePayload, type MessageDefinition } from './message/definition.js'
import { resolveOptions, type ConnectOptions, type ResolvedOptions } from './options.js'
import { receiptOf, withReceipt, type Receipt } from './message/receipt.js'
import { warnOfClockSteps } from './base/warn-of-clock-steps.js'
import { checkItem, checkItems, scheduleAll, type Place } from './schedule/schedule-all.js'
import { LazyRun, UnusedRuns, type ScheduleRun } from './schedule/schedule-run.js'
import { resolveSchedule, type ScheduleOptions } from './schedule/schedule-options.js'
import { openSession, type Session } from './session.js'
import type { Strategy, WaitOptions } from './strategies/strategy.js'
import { strategyMethods } from './schedule/strategy-methods.js'
import type { StrategyMethods, StrategyScheduleOptions } from './schedule/waiting.js'
import { runSchedule } from './telemetry.js'

/**
 * Connects to the broker.
 *
 * @throws DuequeError `UNREACHABLE`, `AUTHENTICATION_FAILED`, `VHOST_REFUSED`, `TLS_REFUSED`, `PERMISSION_DENIED`,
 * `TOPOLOGY_MISMATCH`, `UNSUPPORTED`, `INVALID_OPTION`
 * @example
 * const mq = await connect({ url: 'amqp://localhost' })
 */
export async function connect<S extends Strategy = Strategy>(
  options: ConnectOptions<S> = {},
): Promise<Dueque<S> & StrategyMethods<S>> {
  const resolved = resolveOptions(options)
  const { strategy, logger, clock } = resolved
  const events = new Events(logger, resolved.telemetry?.events)
  const broker = strategy.broker ?? new AmqpBroker(resolved, amqpEvents(events))
  const onParked = (event: ParkedEvent) => events.emit('parked', event)
  const unroutable =
    broker instanceof AmqpBroker ? new UnroutableForwarder(broker, { strategy, clock, logger, onParked }) : undefined
  const session = await openSession(broker, resolved, {
    onError: (error) => events.emit('error', error),
    started: () => unroutable?.start(),
  })
  const mq = new Connected<S>(resolved as ResolvedOptions & { strategy: S }, { session, events, unroutable })
  Object.assign(mq, mq.whileOpen(strategyMethods(strategy, () => clock.now()) as object))
  return mq as Dueque<S> as Dueque<S> & StrategyMethods<S>
}

function amqpEvents(events: Events): ConnectionEvents {
  return {
    blocked: (reason) => events.emit('blocked', reason),
    unblocked: () => events.emit('unblocked'),
    disconnected: (error) => events.emit('disconnected', error),
    reconnected: () => events.emit('reconnected'),
    error: (error) => events.emit('error', error),
  }
}

/** For promises that fail because everything was ended at once. */
const LAST_WORDS_MS = 50

interface Parts {
  session: Session
  events: Events
  unroutable: UnroutableForwarder | undefined
}

class Connected<S extends Strategy> implements Dueque<S> {
  readonly strategy: S
  readonly #options: ResolvedOptions
  readonly #parts: Parts
  /** Also those that are still starting. */
  readonly #consumers = new Set<RunningConsumer>()
  readonly #duplicates: SharedDuplicates
  readonly #unwatch: () => void
  /** Schedules that have no outcome yet. */
  #scheduling = 0
  #settled: (() => void) | undefined
  readonly #unused: UnusedRuns
  #closing: Promise<void> | undefined
  /** No handler runs any more. */
  #isDrained = false

  constructor(options: ResolvedOptions & { strategy: S }, parts: Parts) {
    this.#unwatch = warnOfClockSteps(options.clock, options.logger)
    this.strategy = options.strategy
    this.#options = options
    this.#parts = parts
    this.#unused = new UnusedRuns(options.logger)
    this.#duplicates = new SharedDuplicates(options.clock)
  }

  schedule<In>(
    message: MessageDefinition<In, unknown>,
    payload: In,
    options: ScheduleOptions & StrategyScheduleOptions<S>,
  ): Promise<Receipt> {
    return this.#schedule({ message, payload, options })
  }

  #schedule<In>(item: ScheduleItem<In>, place?: Pick<Place, 'sized'>): Promise<Receipt> {
    const { telemetry, logger } = this.#options
    if (!telemetry?.schedule) return this.#confirm(item, place)
    return runSchedule(
      telemetry,
      () => this.#draft(item),
      (draft) => this.#confirm(item, place, draft),
      logger,
    )
  }

  async #confirm<In>(
    item: ScheduleItem<In>,
    place?: Pick<Place, 'sized'>,
    draft = this.#draft(item),
  ): Promise<Receipt> {
    const { message, payload, options } = item
    this.#scheduling++
    try {
      const conflicts = this.#conflictOptions(options)
      const { declare = false, signal } = options
      const body = encodePayload(message, payload)
      draft.body = 'then' in body ? await body : body
      place?.sized(draft.body.byteLength)
      try {
        const instead = await this.strategy.schedule(draft, { declare, signal, ...conflicts })
        return receiptOf(instead ?? draft)
      } catch (error) {
        throw withReceipt(error, receiptOf(draft))
      }
    } finally {
      this.#scheduling--
      if (this.#scheduling === 0) this.#settled?.()
    }
  }

  #draft<In>(item: ScheduleItem<In>): ReturnType<typeof resolveSchedule> {
    this.#assertTakes()
    checkItem(item)
    const { message, options } = item
    checkDefinition(message)
    const draft = resolveSchedule(options, this.#options.clock.now(), this.strategy.limits.maxDelayMs)
    const { declare, signal } = options
    assertOutside(draft.destination, this.#options.namespace)
    if (declare) this.#assertDeclares()
    if (declare && draft.destination.queue !== undefined) assertNoDeadQueue(draft.destination.queue)
    if (signal?.aborted) throw new DuequeError('ABORTED', 'aborted by the signal', { reason: signal.reason as unknown })
    draft.name = message.name
    draft.version = message.version
    return draft
  }

  scheduleAll<In, Item extends ScheduleItem<In, ScheduleOptions & StrategyScheduleOptions<S>>>(
    items: Iterable<Item> | AsyncIterable<Item>,
  ): ScheduleRun<Item> {
    const { maxInFlight, maxBodyBytes, logger } = this.#options
    checkItems(items)
    const window = {
      messages: maxInFlight,
      bytes: MAX_BYTES_IN_FLIGHT,
      bodyBytes: Math.min(maxBodyBytes, MAX_BYTES_IN_FLIGHT / 4),
    }
    const results = scheduleAll(items, (item, place) => this.#schedule(item, place), window)
    return new LazyRun(results, this.#unused.watch(), logger)
  }

  async consume(queue: string, handlers: readonly Handler[], options: ConsumeOptions = {}): Promise<Consumer> {
    this.#assertOpen()
    checkConsume(options)
    const { clock, logger, strategy, telemetry } = this.#options
    if (options.declare) this.#assertDeclares()
    assertOutside({ queue: checkQueueName('queue', queue) }, this.#options.namespace)
    if (options.declare !== false) assertNoDeadQueue(queue)
    const consumer: RunningConsumer = new RunningConsumer(queue, handlers, options, {
      connection: this,
      broker: this.#parts.session.broker,
      strategy,
      clock,
      logger,
      telemetry,
      onError: (error) => this.#parts.events.emit('error', error as DuequeError),
      events: this.#parts.events,
      onClosed: () => this.#consumers.delete(consumer),
      duplicates: this.#duplicates,
    })
    this.#warnOfOthers(consumer)
    this.#consumers.add(consumer)
    return consumer.start()
  }

  /** The same methods, which reject as `schedule` does once this is closed. */
  whileOpen<M extends object>(methods: M): M {
    const guarded = Object.entries(methods as object).map(([name, method]) => {
      const call = async (...args: unknown[]) => {
        this.#assertTakes()
        return (method as (...args: unknown[]) => Promise<unknown>)(...args)
      }
      return [name, call]
    })
    return Object.fromEntries(guarded) as M
  }

  /** RabbitMQ shares a queue's messages among its consumers, whatever their names. */
  #warnOfOthers({ queue, handlers }: RunningConsumer): void {
    for (const other of this.#consumers) {
      if (other.queue !== queue || other.isClosing) continue
      const names = differingNames(handlers, other.handlers)
      if (names.length === 0) continue
      const what = 'another consumer of this queue has handlers for other messages: what comes to the wrong one is dead'
      this.#options.logger.warn(`${what}. Give both all handlers, or each a queue`, { queue, names })
    }
  }

  health(): Health {
    const health = this.#parts.session.broker.health()
    const store = this.strategy.storeHealth?.()
    const stored = this.strategy.storeFaults?.()
    const isUp = health.producer === 'up' && health.consumer !== 'down' && store !== 'down'
    return { ok: isUp && this.#closing === undefined, ...health, ...(store && { store }), ...(stored && { stored }) }
  }

  on<E extends keyof DuequeEvents>(event: E, listener: DuequeEvents[E]): () => void {
    return this.#parts.events.on(event, listener)
  }

  close(options?: CloseOptions): Promise<void> {
    const closing = this.#closed(options)
    const handler = runningHandler()
    if (handler?.connection !== this) return closing
    return closingInHandler(handler, closing, (error) => this.#parts.events.emit('error', error as DuequeError))
  }

  async #closed(options: CloseOptions | undefined): Promise<void> {
    const { drainTimeoutMs } = resolveClose(options)
    this.#closing ??= this.#close(drainTimeoutMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#unused.warnNow()
    const { wholeMs } = drainTimes(drainTimeoutMs)
    const drained = this.#drain(drainTimeoutMs)
    if (await endsWithin(drained, wholeMs)) return
    this.#options.logger.warn('closed before all was over', { drainTimeoutMs, schedules: this.#scheduling })
    this.#parts.session.broker.destroy?.()
    await endsWithin(drained, LAST_WORDS_MS)
  }

  async #drain(drainTimeoutMs: number): Promise<void> {
    const { session, unroutable } = this.#parts
    try {
      // Together: each waits for the goodbyes of a broker that may be silent.
      await Promise.all([
        unroutable?.close(),
        ...[...this.#consumers].map((consumer) => consumer.end({ drainTimeoutMs })),
      ])
      this.#isDrained = true
      if (this.#scheduling > 0) await new Promise<void>((resolve) => (this.#settled = resolve))
    } finally {
      this.#unwatch()
      await session.close()
    }
  }

  /** Those options that only some strategies have. */
  #conflictOptions(options: WaitOptions | ScheduleOptions): Pick<WaitOptions, 'onConflict' | 'transaction'> {
    const { onConflict, transaction } = options as WaitOptions
    const { name, waitlist } = this.strategy
    if (onConflict !== undefined) {
      if (!waitlist) throw invalidOption('onConflict', `none with ${name}, which cannot look at what waits`, onConflict)
      if (!['ignore', 'replace', 'error'].includes(onConflict))
        throw invalidOption('onConflict', "'ignore', 'replace' or 'error'", onConflict)
    }
    if (transaction !== undefined) {
      if (!this.strategy.checkTransaction)
        throw invalidOption('transaction', `none with ${name}, which has no transactions`, transaction)
      this.strategy.checkTransaction(transaction as never)
    }
    return { onConflict, transaction }
  }

  #assertDeclares(): void {
    if (this.#options.topology === 'trust')
      throw invalidOption('declare', "false with topology: 'trust', which declares nothing", true)
  }

  #assertOpen(): void {
    if (this.#closing) throw new DuequeError('CLOSED', 'dueque is closed', {})
  }

  /** As long as handlers run, they can do what they are there for. */
  #assertTakes(): void {
    if (this.#closing && (this.#isDrained || runningHandler()?.connection !== this)) this.#assertOpen()
  }
}

/** Declared as a work queue it could not be the dead queue of another, whose arguments are others. */
function assertNoDeadQueue(queue: unknown): void {
  if (typeof queue !== 'string' || !queue.endsWith('.dead')) return
  const message = `${shown(queue)} is the name of a dead queue, which is not declared as a work queue: declare: false takes an existing one`
  throw new DuequeError('RESERVED_NAME', message, { name: queue })
}
