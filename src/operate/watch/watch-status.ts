import { aFunction, anAbortSignal, flag, integer, texts, type Rule } from '../../base/checks.js'
import { isDuequeError, type DuequeError } from '../../base/errors.js'
import { isHttpUrl } from '../http.js'
import { journalStatus } from '../journal-status.js'
import { operatorSettings, type OperatorSettings } from '../operator-settings.js'
import { BrokerCounter, type BrokerCounts } from '../metrics/broker-counter.js'
import { BrokerLink } from '../metrics/broker-link.js'
import { recurringStatus } from '../recurring-status.js'
import { pace } from '../pace.js'
import { beforeAbort } from '../../base/before-abort.js'
import type { StatusOptions } from '../status.js'
import type { CountReport } from '../status-report.js'
import { Exporters } from './exporters.js'
import type { Lateness } from './lateness.js'
import { Probing } from './probing.js'
import { inWindow, ratesOf, type CountSample, type Rates } from './rates.js'

export interface WatchOptions extends Omit<StatusOptions, 'onProgress'> {
  /** How often to look, in milliseconds, 1000 at least. @default 5000 */
  everyMs?: number | undefined
  /**
   * URLs of the exporters of `dueque/prometheus`, such as http://localhost:9464/metrics, with user and password if they need them.
   * They tell the lateness of all messages.
   * @default none
   */
  metrics?: readonly string[] | undefined
  /**
   * Without `metrics`: sends a message with a delay of 1 s every 5 s to a queue of its own, to measure its lateness. Declares
   * what any schedule declares.
   * @default true
   */
  probe?: boolean | undefined
  /** Ends the watch. */
  signal?: AbortSignal | undefined
}

/** One look at a broker. */
export type StatusLook = GoodLook | FailedLook

export interface GoodLook {
  at: Date
  report: CountReport
  /** Null until there are two looks to compare. */
  rates: Rates | null
  /** Null without `metrics` and `probe`. */
  lateness: Lateness | null
  error?: undefined
}

/** The broker, or its management API, could not be asked. The next look tries again. */
interface FailedLook {
  at: Date
  error: DuequeError
}

/** A journal and definitions are read for their state, so that this happens less often. */
const READ_EVERY_MS = 60_000

const METRICS_URLS = 'a list of URLs such as http://localhost:9464/metrics'
const metricsUrls: Rule = (value, option) => {
  const isList = texts(value, option) === undefined
  return isList && (value as string[]).every(isHttpUrl) ? undefined : METRICS_URLS
}

/**
 * Looks at the status of a broker again and again, as `statusReport` does, with rates and lateness of the last minute. Goes on
 * when the broker goes away and comes back. End it by `signal`, or by leaving the loop, which takes up to 3 s, and 9 s if
 * the broker is silent: the queue of the probe is deleted.
 *
 * @throws DuequeError as `statusReport` does, from the first look only
 * @example
 * for await (const look of watchStatus({ url: 'amqp://localhost' })) console.log(look)
 */
export async function* watchStatus(options: WatchOptions): AsyncGenerator<StatusLook, void> {
  const settings = operatorSettings(options, {
    queues: texts,
    shards: integer(1, 64),
    onWithoutManagement: aFunction,
    everyMs: integer(1000, 3_600_000),
    metrics: metricsUrls,
    probe: flag,
    signal: anAbortSignal,
  })
  const { everyMs = 5000, signal = new AbortController().signal } = options
  const watch = new Watch(settings, options)
  const next = pace(1000 / everyMs, signal)
  await next()
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const look = await beforeAbort(isFirst ? watch.first() : watch.look(), signal)
      if (look) yield look
      await next()
    }
  } finally {
    await watch.close()
  }
}

class Watch {
  readonly #settings: OperatorSettings
  readonly #options: WatchOptions
  readonly #link: BrokerLink
  readonly #counter: BrokerCounter
  readonly #exporters: Exporters | undefined
  #probing: Probing | undefined
  #samples: CountSample[] = []
  #closed = false
  #logs: { at: number; state: Pick<CountReport, 'journal' | 'recurring'> } | undefined

  constructor(settings: OperatorSettings, options: WatchOptions) {
    const { metrics = [], queues = [], shards = 1 } = options
    this.#settings = settings
    this.#options = options
    this.#link = new BrokerLink({ ...settings, name: `${settings.name} status` })
    this.#counter = new BrokerCounter(settings, this.#link, { queues, shards, published: true })
    this.#exporters = metrics.length > 0 ? new Exporters(metrics) : undefined
  }

  /** A broker that cannot be asked at all is an error. */
  async first(): Promise<StatusLook> {
    const look = await this.#look()
    const without = this.#counter.management?.reason
    if (without !== undefined && this.#settings.management !== false) this.#options.onWithoutManagement?.(without)
    if (!this.#closed && !this.#exporters && this.#options.probe !== false) this.#probing = new Probing(this.#settings)
    return { ...look, lateness: look.lateness ?? this.#probing?.look() ?? null }
  }

  async look(): Promise<StatusLook> {
    try {
      return await this.#look()
    } catch (error) {
      if (isDuequeError(error)) return { at: new Date(), error }
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#counter.close()
    await Promise.all([this.#link.close(), this.#probing?.close()])
  }

  async #look(): Promise<GoodLook> {
    const [counted, exported] = await Promise.all([this.#counter.count(), this.#exporters?.look()])
    const at = performance.now()
    const { published } = counted
    const report = { ...counted.report, ...(await this.#logStatus(counted)) }
    const { source, waiting } = report
    this.#samples = inWindow([...this.#samples, { at, source, waiting: waiting.messages, published }], at)
    const rates = ratesOf(this.#samples, exported)
    return { at: new Date(), report, rates, lateness: exported?.lateness ?? this.#probing?.look() ?? null }
  }

  async #logStatus({ counts }: BrokerCounts): Promise<Pick<CountReport, 'journal' | 'recurring'>> {
    const now = performance.now()
    if (this.#logs && now - this.#logs.at <= READ_EVERY_MS) return this.#logs.state
    const isThere = (queue: string) => counts.has(queue)
    const journal = await journalStatus(this.#settings, isThere)
    const state = { journal, recurring: await recurringStatus(this.#settings, isThere) }
    this.#logs = { at: now, state }
    return state
  }
}
