import { Registry, type OpenMetricsContentType } from 'prom-client'
import { checkOptions, group, integer, type Rule, type Rules } from '../../base/checks.js'
import type { DuequeEvents } from '../../events.js'
import type { Telemetry } from '../../telemetry.js'
import { BUCKET_RULES, resolveBuckets, type PrometheusBuckets } from './buckets.js'
import { MessageMetrics } from './message-metrics.js'
import { PREFIX } from './metric-table.js'
import { MetricFactory } from './metric-factory.js'
import { NameLabels } from './name-labels.js'
import { StateMetrics } from './state-metrics.js'

export interface PrometheusOptions {
  /** Where the metrics are, such as the global `register` of prom-client. @default a registry of their own */
  registry?: Registry | Registry<OpenMetricsContentType> | undefined
  /** What the names of the metrics begin with. @default 'dueque_' */
  prefix?: string | undefined
  buckets?: PrometheusBuckets | undefined
  /**
   * How many message names that this process schedules, without a handler for them, have series of their own. All further ones
   * count as `other`.
   * @default 100
   */
  maxNames?: number | undefined
}

/** A telemetry, and what an HTTP server needs to answer a scrape. */
export interface PrometheusTelemetry extends Telemetry {
  readonly registry: Registry | Registry<OpenMetricsContentType>
  /** For the header `content-type` beside {@link metrics}. */
  readonly contentType: string
  /** All metrics of the registry, in the text format. Rejects if one of them does: a metric of yours may. */
  metrics(): Promise<string>
}

const aRegistry: Rule = (value) => {
  const { registerMetric, getSingleMetric, metrics } = Object(value) as Partial<Registry>
  const isOne = [registerMetric, getSingleMetric, metrics].every((method) => typeof method === 'function')
  return isOne ? undefined : 'a Registry of prom-client'
}

const aPrefix: Rule = (value) =>
  typeof value === 'string' && /^([a-z_:][\w:]*)?$/i.test(value) ? undefined : 'letters, digits and underscores'

const RULES: Rules<PrometheusOptions> = {
  registry: aRegistry,
  prefix: aPrefix,
  buckets: group(BUCKET_RULES),
  maxNames: integer(0),
}

/**
 * Metrics for Prometheus, over prom-client. Several connections of a process share one. Gauges of a connection or a consumer
 * end when it closes. docs/reference/telemetry.md has the names.
 *
 * @throws DuequeError `INVALID_OPTION`, also if the registry has metrics of these names
 * @example
 * const telemetry = prometheus()
 * const mq = await connect({ url, telemetry })
 * createServer((_, response) => {
 *   telemetry.metrics().then(
 *     (text) => response.setHeader('content-type', telemetry.contentType).end(text),
 *     (error) => response.writeHead(500).end(String(error)),
 *   )
 * }).listen(9464)
 */
export function prometheus(options: PrometheusOptions = {}): PrometheusTelemetry {
  checkOptions(options, RULES)
  const { registry = new Registry(), prefix = PREFIX, buckets, maxNames = 100 } = options
  const factory = new MetricFactory(registry, prefix)
  const messages = new MessageMetrics(factory, new NameLabels(maxNames), resolveBuckets(buckets))
  const telemetry = hooks(messages, new StateMetrics(factory), listeners(factory, messages))
  // Not enumerable, because `connect` refuses members that are no hooks. A copy by spread has the hooks, and these not.
  return Object.defineProperties(telemetry, {
    registry: { value: registry },
    contentType: { get: () => registry.contentType },
    metrics: { value: () => registry.metrics() },
  }) as PrometheusTelemetry
}

function hooks(messages: MessageMetrics, state: StateMetrics, events: Partial<DuequeEvents>): Telemetry {
  return {
    schedule: ({ name }, _headers, run) => messages.schedule(name, run),
    cancel: (_info, run) => messages.cancel(run, (outcome) => outcome),
    reschedule: (_info, run) => messages.cancel(run, (rescheduled) => rescheduled?.replaced ?? 'not-waiting'),
    process({ queue, delivery }, run) {
      const { name, attempt, latenessMs } = delivery
      return messages.process(queue, name, attempt === 1 ? latenessMs : undefined, run)
    },
    connected: (connection) => state.connected(connection),
    consuming(consumer, names) {
      messages.consuming(consumer.queue, names)
      return state.consuming(consumer)
    },
    events,
  }
}

function listeners(factory: MetricFactory, messages: MessageMetrics): Partial<DuequeEvents> {
  const parked = factory.counter('unroutable_parked_total')
  const disconnections = factory.counter('disconnections_total')
  const errors = factory.counter('errors_total')
  return {
    handled: ({ queue, name }) => messages.processed(queue, name, 'handled'),
    retried: ({ queue, name }) => messages.processed(queue, name, 'retried'),
    dead: ({ queue, name }) => messages.processed(queue, name, 'dead'),
    dropped: ({ queue, name }) => messages.processed(queue, name, 'cancelled'),
    parked: ({ reason }) => parked.inc({ reason }),
    disconnected: () => disconnections.inc(),
    error: ({ code }) => errors.inc({ code }),
  }
}
