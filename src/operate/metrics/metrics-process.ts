import { aFunction, anything, integer, texts } from '../../base/checks.js'
import type { WaitingView } from '../../strategies/waiting-view.js'
import type { Sample } from '../../telemetry/prometheus/exposition.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { BrokerCounter } from './broker-counter.js'
import { BrokerLink } from './broker-link.js'
import { brokerSamples } from './broker-samples.js'
import { SharedLook } from './shared-look.js'
import { SourceStates, type OnSourceNews, type SourceName } from './source-states.js'
import { storeSamples } from './store-samples.js'

export interface MetricsStore {
  /** `redis` or `postgres`. */
  readonly name: string
  /** The open store. Rejects while it cannot be opened. */
  get(): Promise<WaitingView>
}

export interface MetricsOptions extends OperatorOptions {
  /** Work queues whose dead queues are counted. AMQP can count no others. @default all that there are */
  queues?: readonly string[] | undefined
  /** Over AMQP: queues of each rung to look for. @default 1 */
  shards?: number | undefined
  /** A store in which messages wait. It stays the caller's to close. */
  store?: MetricsStore | undefined
  /** Called when a source stops answering, with the reason, and without one when it answers again. */
  onNews?: OnSourceNews | undefined
}

/** What is known at a scrape. */
export interface Scrape {
  /** Whether each source answered. The management API is missing unless it was named, or has answered once. */
  readonly up: Readonly<Partial<Record<SourceName, boolean>>>
  readonly samples: readonly Sample[]
}

/** Looks at broker and store at each scrape. */
export interface MetricsProcess {
  /**
   * Never rejects, and takes little more than 5 s: a source that has not answered by then is not up. Scrapes within 2 s share
   * one look.
   */
  scrape(): Promise<Scrape>
  close(): Promise<void>
}

/**
 * Metrics of what a broker and a store hold. Nothing is asked before the first scrape, and the broker may be away.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function startMetrics(options: MetricsOptions): MetricsProcess {
  const settings = operatorSettings(options, {
    queues: texts,
    shards: integer(1, 64),
    store: anything,
    onNews: aFunction,
  })
  const { queues = [], shards = 1, store, onNews = () => undefined } = options
  const { management } = settings
  const isNamed = management !== undefined && management !== false
  const link = new BrokerLink(settings)
  const counter = new BrokerCounter(settings, link, { queues, shards })
  const broker = new SharedLook(() => link.model())
  const counts = new SharedLook(() => counter.count())
  const stored = store && new SharedLook(async () => storeSamples(store.name, await store.get(), () => Date.now()))
  const states = new SourceStates(onNews)

  return {
    async scrape() {
      const [linked, counted, inStore] = await Promise.all([broker.ask(), counts.ask(), stored?.ask()])
      states.saw('broker', linked.reason)
      if (isNamed) states.saw('management', counted.reason)
      else {
        states.saw('counts', counted.reason)
        // Many brokers have no management API beside them: nobody has to be alarmed by that for ever.
        const asked = management === false ? undefined : counter.management
        if (asked) states.saw('management', asked.reason, { isOptional: true })
      }
      if (inStore) states.saw('store', inStore.reason)
      const samples = [...(counted.value ? brokerSamples(counted.value) : []), ...(inStore?.value ?? [])]
      return { up: states.up, samples: [...states.samples(), ...samples] }
    },
    close() {
      counter.close()
      return link.close()
    },
  }
}
