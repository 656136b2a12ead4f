import { AmqpBroker } from '../../amqp/amqp-broker.js'
import { errorText, type DuequeError } from '../../base/errors.js'
import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import type { Dueque } from '../../dueque.js'
import type { InnerParts } from '../../inner-parts.js'
import { SharedLook } from '../../operate/metrics/shared-look.js'
import type { CountReport } from '../../operate/status-report.js'
import type { WatchOptions } from '../../operate/watch/watch-status.js'
import type { Overview } from '../api.js'
import { Refused } from '../http/refused.js'
import type { WaitingSource } from '../waiting-source.js'
import { brokerLooks, memoryLooks, type Look } from './looks.js'
import { OverviewMaker, type WaitingCounts } from './overview-of.js'

/** After the last viewer has left, so that a page that is loaded again begins no new watch. */
const LINGER_MS = 5000
/** For the first look. */
const PATIENCE_MS = 10_000
const MINUTE_MS = 60_000
/** A count that took long may have waited for a broker or a store, which is back. */
const COUNTED_MS = 10_000

export interface OverviewSettings {
  mq: Pick<Dueque, 'on'>
  parts: InnerParts
  watch: WatchOptions
  waiting: WaitingSource
}

/** One look at broker and store for all viewers, again and again while somebody looks. Without a viewer nothing is asked. */
export class Overviews {
  readonly #settings: OverviewSettings
  readonly #maker: OverviewMaker
  readonly #counts: SharedLook<WaitingCounts | undefined>
  readonly #listeners = new Set<(overview: Overview) => void>()
  #watch: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined
  /** Never rejects. */
  #last: Promise<void> = Promise.resolve()
  #lingering: NodeJS.Timeout | undefined
  #current: Overview | undefined
  #seen: { report?: CountReport | undefined; error?: DuequeError | undefined } = {}
  #isClosed = false

  constructor(settings: OverviewSettings) {
    this.#settings = settings
    this.#maker = new OverviewMaker(settings.parts.options.strategy.waitlist !== undefined)
    this.#counts = new SharedLook(() => this.#count(), COUNTED_MS)
  }

  /** Calls the listener with each overview, the last one at once. Returns what ends it. */
  subscribe(listener: (overview: Overview) => void): () => void {
    this.#listeners.add(listener)
    this.#begin()
    if (this.#current) listener(this.#current)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#linger()
    }
  }

  /** @throws Refused 503 if nothing is known within 10 s */
  async current(): Promise<Overview> {
    let end: () => void = () => undefined
    const next = new Promise<Overview>((resolve) => (end = this.subscribe(resolve)))
    try {
      return await withTimeLimit(next, PATIENCE_MS)
    } catch (error) {
      throw error === TIMED_OUT ? new Refused(503, 'UNREACHABLE', 'the broker does not answer') : error
    } finally {
      end()
    }
  }

  /** The counts of the last look. @throws DuequeError as that look did */
  async report(): Promise<CountReport> {
    await this.current()
    const { report, error } = this.#seen
    if (report) return report
    throw error ?? new Refused(409, 'NO_LIST', 'messages in memory wait in no queue')
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#lingering)
    this.#watch?.stop.abort()
    await this.#last
  }

  #begin(): void {
    clearTimeout(this.#lingering)
    if (this.#watch || this.#isClosed) return
    const stop = new AbortController()
    // The one before may still delete the queue of its probe.
    const ended = this.#last.then(() => this.#run(stop.signal))
    this.#watch = { stop, ended }
    this.#last = ended.catch((error: unknown) => {
      this.#settings.parts.options.logger.error('the dashboard cannot look any more', { error: errorText(error) })
      // There may be a newer one.
      if (this.#watch?.stop === stop) this.#watch = undefined
    })
  }

  #linger(): void {
    this.#lingering = setTimeout(() => {
      this.#watch?.stop.abort()
      this.#watch = this.#current = undefined
    }, LINGER_MS).unref()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { mq, parts, watch } = this.#settings
    const isBroker = parts.broker instanceof AmqpBroker
    const looks = isBroker ? brokerLooks(watch, signal) : memoryLooks(mq, watch.metrics ?? [], signal)
    for await (const look of looks) {
      const overview = await this.#overviewOf(look)
      if (signal.aborted) return
      this.#seen = look
      this.#current = overview
      for (const listener of [...this.#listeners]) listener(overview)
    }
  }

  async #overviewOf(look: Look): Promise<Overview> {
    const seen = await this.#counts.ask()
    if (seen.reason !== undefined) return this.#maker.of(look, seen)
    return this.#maker.of(look, seen.value && { value: seen.value })
  }

  async #count(): Promise<WaitingCounts | undefined> {
    const view = await this.#settings.waiting.view()
    if (!view) return undefined
    const soon = this.#settings.parts.options.clock.now() + MINUTE_MS
    const [waiting, dueWithinMinute] = await Promise.all([view.count({}), view.count({ to: soon })])
    return { waiting, dueWithinMinute }
  }
}
