import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from 'prom-client'
import { invalidOption } from '../../base/errors.js'
import { PROCESS_METRICS, type Metric, type ProcessMetric } from './metric-table.js'

/** One series of a metric at this moment. */
export type Series = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Makes the metrics of the table, in a registry. */
export class MetricFactory {
  readonly #registry: Registry | Registry<OpenMetricsContentType>
  readonly #prefix: string

  /** @throws DuequeError `INVALID_OPTION` if the registry has metrics of these names */
  constructor(registry: Registry | Registry<OpenMetricsContentType>, prefix: string) {
    this.#registry = registry
    this.#prefix = prefix
    const taken = Object.keys(PROCESS_METRICS).find((name) => registry.getSingleMetric(prefix + name) !== undefined)
    if (taken === undefined) return
    const expected = `one without ${prefix}${taken}: share one prometheus() between connections, or choose another prefix`
    throw invalidOption('registry', expected, 'one that has it')
  }

  counter(name: ProcessMetric): Counter {
    return new Counter(this.#configuration(name))
  }

  histogram(name: ProcessMetric, buckets: readonly number[]): Histogram {
    return new Histogram({ ...this.#configuration(name), buckets: [...buckets] })
  }

  /** A counter whose numbers are kept elsewhere. They are asked for at each scrape, and never go down. */
  countOf(name: ProcessMetric, series: () => Iterable<Series>): void {
    new Counter({
      ...this.#configuration(name),
      collect() {
        this.reset()
        for (const [labels, value] of series()) this.inc(labels, value)
      },
    })
  }

  /** A gauge that is asked for at each scrape. What it does not name then is gone. */
  gaugeOf(name: ProcessMetric, series: () => Iterable<Series>): void {
    const configuration = this.#configuration(name)
    new Gauge({
      ...configuration,
      collect() {
        this.reset()
        // Without labels a reset leaves a zero.
        if (configuration.labelNames.length === 0) this.remove()
        for (const [labels, value] of series()) this.set(labels, value)
      },
    })
  }

  #configuration(name: ProcessMetric) {
    const { labels, help }: Metric = PROCESS_METRICS[name]
    return { name: this.#prefix + name, help, labelNames: [...labels], registers: [this.#registry] }
  }
}
