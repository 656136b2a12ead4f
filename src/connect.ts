import { AmqpBroker } from './amqp/amqp-broker.js'
import type { ConnectionEvents } from './amqp/connection/connection.js'
import { newTail, type GatedTail } from './cancellation/gated-tail.js'
import type { CancellationTail } from './cancellation/tail.js'
import { drainTimes } from './base/drain.js'
import { allEnded, endAll } from './base/end-all.js'
import { DuequeError } from './base/errors.js'
import { endsWithin } from './base/time-limit.js'
import { warnOfClockSteps } from './base/warn-of-clock-steps.js'
import type { Handler } from './consumer/delivery.js'
import { resolveClose, type CloseOptions, type ConsumeOptions } from './consumer/options.js'
import { RunningConsumers } from './consumer/running-consumers.js'
import { closingInHandler, runningHandler } from './consumer/running-handler.js'
import type { Consumer } from './consumer/stats.js'
import type { Dueque, ScheduleItem, StrategyMethods } from './dueque.js'
import { Events, type DuequeEvents, type ParkedEvent } from './events.js'
import { UnroutableForwarder } from './forwarding/unroutable.js'
import type { Health } from './health.js'
import { attachParts } from './inner-parts.js'
import type { MessageDefinition } from './message/definition.js'
import type { Receipt } from './message/receipt.js'
import { resolveOptions, type ConnectOptions, type ResolvedOptions } from './options.js'
import { openRecurring } from './recurring/open-recurring.js'
import { newTicker, type TickerWatch } from './recurring/ticker-watch.js'
import type { StrategyBulkOptions } from './schedule/batching/bulk-options.js'
import { BulkRuns } from './schedule/bulk-runs.js'
import type { ScheduleOptions } from './schedule/schedule-options.js'
import type { ScheduleRun } from './schedule/schedule-run.js'
import { Scheduler } from './schedule/scheduler.js'
import { strategyMethods, type MethodSettings } from './schedule/strategy-methods.js'
import { transactionOf } from './schedule/transaction-options.js'
import type { StrategyScheduleOptions, TransactionMethods } from './schedule/waiting.js'
import { openSession, type Session } from './session.js'
import type { BulkInfo } from './telemetry.js'
import { TelemetryHooks } from './telemetry/hooks.js'
import type { LadderStrategy } from './strategies/ladder/ladder.js'
import type { Strategy } from './strategies/strategy.js'

/**
 * Connects to the broker.
 *
 * @throws DuequeError `UNREACHABLE`, `AUTHENTICATION_FAILED`, `VHOST_REFUSED`, `TLS_REFUSED`, `PERMISSION_DENIED`,
 * `TOPOLOGY_MISMATCH`, `UNSUPPORTED`, `INVALID_OPTION`
 * @example
 * const mq = await connect({ url: 'amqp://localhost' })
 */
export async function connect<S extends Strategy = LadderStrategy>(
  options: ConnectOptions<S> = {},
): Promise<Dueque<S> & StrategyMethods<S>> {
  const resolved = resolveOptions(options)
  const { strategy, logger, clock } = resolved
  const events = new Events(logger)
  const hooks = telemetryHooks(resolved, events)
  const uninstrumented = resolved.telemetry.some(({ tracesMessages }) => tracesMessages)
  const broker = strategy.broker ?? new AmqpBroker({ ...resolved, uninstrumented }, amqpEvents(events))
  const onParked = (event: ParkedEvent) => events.emit('parked', event)
  const unroutable =
    broker instanceof AmqpBroker ? new UnroutableForwarder(broker, { strategy, clock, logger, onParked }) : undefined
  const session = await openSession(broker, resolved, {
    onError: (error) => events.emit('error', error),
    started: () => unroutable?.start(),
  })
  const onError = (error: DuequeError) => events.emit('error', error)
  const otherwise = "Or consume with cancellations: 'off', if nothing is cancelled in this namespace"
  const tail = broker instanceof AmqpBroker ? newTail(broker, resolved, { onError, otherwise }) : undefined
  const ticker = newTicker(broker, resolved, { hooks, onError })
  const mq = new Connected<S>(resolved as ResolvedOptions & { strategy: S }, {
    session,
    events,
    hooks,
    unroutable,
    tail,
    ticker,
  })
  attachParts(mq, { options: resolved, broker, closing: mq.closing })
  mq.addMethods()
  mq.tellConnected()
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

/** Without telemetry there is nothing to call. */
function telemetryHooks({ telemetry, clock, logger }: ResolvedOptions, events: Events): TelemetryHooks | undefined {
  if (telemetry.length === 0) return undefined
  // Later: while it connects, nobody can listen.
  const onError = (error: DuequeError) => void setImmediate(() => events.emit('error', error))
  const hooks = new TelemetryHooks(telemetry, { clock, logger, onError })
  for (const listeners of hooks.listeners())
    for (const [event, listener] of Object.entries(listeners)) events.on(event as keyof DuequeEvents, listener)
  return hooks
}

/** What a connection is made of. */
interface ConnectedParts {
  readonly session: Session
  readonly events: Events
  readonly hooks: TelemetryHooks | undefined
  readonly unroutable: UnroutableForwarder | undefined
  readonly tail: GatedTail | undefined
  readonly ticker: TickerWatch | undefined
}

/** For promises that fail because everything was ended at once. */
const LAST_WORDS_MS = 50

class Connected<S extends Strategy> implements Dueque<S> {
  readonly strategy: S
  readonly #options: ResolvedOptions
  readonly #session: Session
  readonly #events: Events
  readonly #hooks: TelemetryHooks | undefined
  readonly #unroutable: UnroutableForwarder | undefined
  readonly #tail: CancellationTail | undefined
  readonly #ticker: TickerWatch | undefined
  readonly #scheduler: Scheduler
  readonly #bulk: BulkRuns
  readonly #consumers: RunningConsumers
  readonly #unwatch: () => void
  readonly #onClose = new AbortController()
  #closing: Promise<void> | undefined
  /** Tells telemetry that this connection is over. */
  #ended: (() => void) | undefined
  /** No handler runs any more. */
  #isDrained = false

  constructor(options: ResolvedOptions & { strategy: S }, parts: ConnectedParts) {
    const { session, events, hooks, unroutable, tail, ticker } = parts
    this.#unwatch = warnOfClockSteps(options.clock, options.logger)
    this.strategy = options.strategy
    this.#options = options
    this.#session = session
    this.#events = events
    this.#hooks = hooks
    this.#unroutable = unroutable
    this.#scheduler = new Scheduler(options, hooks, () => this.#assertTakes())
    this.#bulk = new BulkRuns(options, hooks)
    this.#tail = tail?.tail
    this.#ticker = ticker
    this.#consumers = new RunningConsumers(options, { connection: this, broker: session.broker, events, hooks }, tail)
  }

  schedule<In>(
    message: MessageDefinition<In, unknown>,
    payload: In,
    options: ScheduleOptions & StrategyScheduleOptions<S>,
  ): Promise<Receipt> {
    return this.#scheduler.schedule({ message, payload, options })
  }

  scheduleAll<In, Item extends ScheduleItem<In, ScheduleOptions & StrategyScheduleOptions<S>>>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: StrategyBulkOptions<S>,
  ): ScheduleRun<Item> {
    return this.#bulk.scheduleAll<Item>(items, this.#scheduler.bulk<In, Item>(options))
  }

  async consume(queue: string, handlers: readonly Handler[], options: ConsumeOptions = {}): Promise<Consumer> {
    this.#assertOpen()
    const consumer = await this.#consumers.start(queue, handlers, options)
    this.#ticker?.begin()
    return consumer
  }

  /** Adds the methods that the strategy allows. */
  addMethods(): void {
    const { strategy, clock, cancellations } = this.#options
    const settings = {
      now: () => clock.now(),
      marginMs: cancellations.marginMs,
      schedule: (item, instead) => this.#scheduler.schedule(item, { instead }),
      scheduleCopy: (message, copy) => this.#scheduler.scheduleCopy(message, copy),
      onCancelled: (id, outcome) => this.#events.emit('cancelled', { id, outcome }),
      hooks: this.#hooks,
    } satisfies MethodSettings
    const methods = (bulk?: BulkInfo) => this.#whileOpen(strategyMethods(strategy, { ...settings, bulk }))
    const guarded = methods()
    const cancelAll: TransactionMethods<unknown>['cancelAll'] = (targets, options) => {
      transactionOf(strategy, options)
      return this.#bulk.cancelAll(targets, (bulk) => {
        const one = methods(bulk) as unknown as TransactionMethods<unknown>
        return (target) => one.cancel(target, options)
      })
    }
    const recurring = openRecurring(this.#options, {
      broker: this.#session.broker,
      scheduler: this.#scheduler,
      bulk: this.#bulk,
      ticker: this.#ticker,
      whileOpen: (methods) => this.#whileOpen(methods),
    })
    Object.assign(this, guarded, 'cancel' in guarded && { cancelAll }, recurring)
  }

  /** Aborted when `close` is called. */
  get closing(): AbortSignal {
    return this.#onClose.signal
  }

  tellConnected(): void {
    this.#ended = this.#hooks?.connected(this)
  }

  /** The same methods, which reject as `schedule` does once this is closed. A close waits for their outcome. */
  #whileOpen<M extends object>(methods: M): M {
    const guarded = Object.entries(methods as object).map(([name, method]) => {
      const call = async (...args: unknown[]) => {
        this.#assertTakes()
        return this.#scheduler.track(() => (method as (...args: unknown[]) => Promise<unknown>)(...args))
      }
      return [name, call]
    })
    return Object.fromEntries(guarded) as M
  }

  health(): Health {
    const health = this.#session.broker.health()
    const store = this.strategy.storeHealth?.()
    const stored = this.strategy.storeFaults?.()
    const isUp = health.producer === 'up' && health.consumer !== 'down' && store !== 'down'
    const cancellations = this.#tail?.health()
    const journal = this.strategy.journalHealth?.()
    const recurring = this.#ticker?.health()
    return {
      ok: isUp && !this.#consumers.isWaiting && this.#closing === undefined,
      ...health,
      ...(store && { store }),
      ...(stored && { stored }),
      ...(cancellations && { cancellations }),
      ...(journal && { journal }),
      ...(recurring && { recurring }),
    }
  }

  on<E extends keyof DuequeEvents>(event: E, listener: DuequeEvents[E]): () => void {
    return this.#events.on(event, listener)
  }

  close(options?: CloseOptions): Promise<void> {
    const closing = this.#closed(options)
    const handler = runningHandler()
    if (handler?.connection !== this) return closing
    return closingInHandler(handler, closing, (error) => this.#events.emit('error', error as DuequeError))
  }

  async #closed(options: CloseOptions | undefined): Promise<void> {
    const { drainTimeoutMs } = resolveClose(options)
    this.#closing ??= this.#close(drainTimeoutMs)
    this.#onClose.abort()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#bulk.warnOfUnused()
    const { wholeMs } = drainTimes(drainTimeoutMs)
    const drained = this.#drain(drainTimeoutMs)
    if (await endsWithin(drained, wholeMs)) return
    const { underWay: schedules } = this.#scheduler
    this.#options.logger.warn('closed before all was over', { drainTimeoutMs, schedules })
    this.#session.destroy()
    await endsWithin(drained, LAST_WORDS_MS)
  }

  /** Whatever fails on the way, everything is closed. */
  #drain(drainTimeoutMs: number): Promise<void> {
    return endAll([
      // Together: each waits for the answers of a broker that may be silent.
      () =>
        allEnded([this.#consumers.end(drainTimeoutMs), this.#unroutable?.close(), this.#ticker?.close(drainTimeoutMs)]),
      () => (this.#isDrained = true),
      () => this.#scheduler.settled(),
      () => this.#unwatch(),
      () => this.#tail?.close(),
      () => this.#session.close(),
      () => this.#ended?.(),
    ])
  }

  #assertOpen(): void {
    if (this.#closing) throw new DuequeError('CLOSED', 'dueque is closed', {})
  }

  /** While a connection closes, its running handlers may still schedule. */
  #assertTakes(): void {
    if (this.#closing && (this.#isDrained || runningHandler()?.connection !== this)) this.#assertOpen()
  }
}
