import { Names } from '../amqp/topology/names.js'
import { drainTimes } from '../base/drain.js'
import { DuequeError, errorText, isDuequeError } from '../base/errors.js'
import type { Broker } from '../broker.js'
import type { RecurringHealth } from '../health.js'
import type { ResolvedOptions } from '../options.js'
import type { RecurringDefinitions } from '../strategies/recurring-definitions.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { tickBroker, type TickBroker, type TickSubscription } from './tick-broker.js'
import { Ticker, TICKER_PREFETCH } from './ticker.js'
import type { TickerTimes } from './ticker-times.js'

export interface TickerParts {
  readonly ticks: TickBroker
  readonly definitions: RecurringDefinitions
  readonly hooks?: TelemetryHooks | undefined
  readonly onError: (error: DuequeError) => void
  readonly times?: Partial<TickerTimes> | undefined
}

/** Between looks for the queue of ticks: the first twenty, and all others. RabbitMQ logs each look that finds none. */
const LOOK_MS = { first: 30_000, later: 300_000 }
const FIRST_LOOKS = 20
/** For the ticks that are under way at a close, which take milliseconds. */
const CLOSE_MS = 3000

/** The ticker of a connection that may have one. */
export function newTicker(
  broker: Broker,
  options: ResolvedOptions,
  parts: Pick<TickerParts, 'hooks' | 'onError' | 'times'>,
): TickerWatch | undefined {
  const { strategy, namespace, logger, recurring } = options
  const { definitions } = strategy
  const ticks = recurring && definitions ? tickBroker(broker, new Names(namespace).prefix, logger) : undefined
  return ticks && definitions && new TickerWatch(options, { ...parts, ticks, definitions })
}

/**
 * Runs the ticker of a process as soon as its namespace has recurring messages: nothing is declared before that. Without the right
 * to read the queue of ticks it runs none, and leaves that to other processes.
 */
export class TickerWatch {
  readonly #options: Pick<ResolvedOptions, 'strategy' | 'clock' | 'logger'>
  readonly #parts: TickerParts
  readonly #ticker: Ticker
  #state: 'off' | 'looking' | 'running' = 'off'
  #subscription: TickSubscription | undefined
  #looking: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #looks = 0
  #closing: Promise<void> | undefined

  constructor(options: Pick<ResolvedOptions, 'strategy' | 'clock' | 'logger'>, parts: TickerParts) {
    const { strategy, clock, logger } = options
    const { ticks, definitions, hooks, onError, times } = parts
    this.#options = options
    this.#parts = parts
    const publish = ticks.publish?.bind(ticks)
    this.#ticker = new Ticker({
      ...{ strategy, clock, logger, definitions, hooks, onError, publish, times },
      queue: ticks.queue,
    })
  }

  /** Of this moment, for `health()`; undefined where there is no ticker. */
  health(): RecurringHealth | undefined {
    if (this.#state === 'off') return undefined
    if (this.#state === 'looking') return { state: 'unused' }
    if (!this.#subscription?.live) return { state: 'down' }
    const { isActive, isAway, repairedAt, steppedBackAt } = this.#ticker
    return {
      state: isAway ? 'stepped-back' : isActive ? 'active' : 'standby',
      ...(repairedAt !== undefined && { repairedAt: new Date(repairedAt).toISOString() }),
      ...(steppedBackAt !== undefined && { steppedBackAt: new Date(steppedBackAt).toISOString() }),
    }
  }

  /** Begins to look for the queue of ticks, if that has not begun. */
  begin(): void {
    if (this.#state !== 'off' || this.#closing) return
    this.#state = 'looking'
    this.#lookAgain()
  }

  /** The queue of ticks is there. A ticker that looks for it starts now. */
  declared(): void {
    this.#lookAgain()
  }

  /**
   * Declares the queue of ticks and starts the ticker, for a process that has nothing else to do.
   *
   * @throws DuequeError `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `TOPOLOGY_MISSING`
   */
  async start(): Promise<void> {
    this.#state = 'looking'
    const { ticks } = this.#parts
    await ticks.declare()
    await this.#subscribe().catch((error: unknown) => {
      throw isDuequeError(error, 'DESTINATION_MISSING') ? undeclared(ticks.queue, error) : error
    })
  }

  close(drainTimeoutMs: number): Promise<void> {
    clearTimeout(this.#timer)
    this.#closing ??= this.#ticker.close(Math.min(drainTimes(drainTimeoutMs).handlersMs, CLOSE_MS))
    return this.#closing
  }

  /** At once, or behind the look that is under way, which may have come too early. */
  #lookAgain(): void {
    if (this.#state !== 'looking' || this.#closing) return
    clearTimeout(this.#timer)
    const before = this.#looking ?? Promise.resolve()
    const looking: Promise<void> = before
      .then(() => this.#look())
      .finally(() => {
        if (this.#looking === looking) this.#looking = undefined
      })
    this.#looking = looking
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    if (this.#state !== 'looking' || this.#closing) return
    try {
      await this.#subscribe()
    } catch (error) {
      this.#failed(error)
    }
  }

  async #subscribe(): Promise<void> {
    await this.#ticker.start(async (listener, started) => {
      return (this.#subscription = await this.#parts.ticks.subscribe(TICKER_PREFETCH, listener, started))
    })
    this.#state = 'running'
  }

  #failed(error: unknown): void {
    const { logger } = this.#options
    if (this.#closing) return
    const isDenied = isDuequeError(error, 'PERMISSION_DENIED')
    const what = isDenied
      ? 'this user may not read the queue of ticks: other processes run the ticker'
      : 'no queue of ticks'
    logger.debug(what, { queue: this.#parts.ticks.queue, error: errorText(error) })
    const pauseMs = ++this.#looks <= FIRST_LOOKS ? LOOK_MS.first : LOOK_MS.later
    if (isDenied) this.#state = 'off'
    else this.#timer = setTimeout(() => this.#lookAgain(), pauseMs).unref()
  }
}

/** In the mode `trust`. */
function undeclared(queue: string, cause: DuequeError): DuequeError<'TOPOLOGY_MISSING'> {
  const message = `queue ${queue} is missing: \`dueque topology apply --recurring\` declares it (option: topology)`
  return new DuequeError('TOPOLOGY_MISSING', message, { resource: queue }, { cause })
}
