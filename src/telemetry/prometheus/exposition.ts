import { BROKER_METRICS, PREFIX, type BrokerMetric } from './metric-table.js'

/** The value of one series of `dueque metrics`. */
export interface Sample {
  readonly metric: BrokerMetric
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Samples in the text format of Prometheus, in the order of the table. Without prom-client, because the command line needs no
 * package beside dueque for a few gauges.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function exposition(samples: readonly Sample[]): string {
  const metrics = Object.keys(BROKER_METRICS) as BrokerMetric[]
  return metrics.map((metric) => metricText(metric, samples)).join('')
}

function metricText(metric: BrokerMetric, samples: readonly Sample[]): string {
  const own = samples.filter((sample) => sample.metric === metric)
  if (own.length === 0) return ''
  const { type, help } = BROKER_METRICS[metric]
  const name = PREFIX + metric
  const series = own.map(({ labels = {}, value }) => `${name}${labelsText(labels)} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...series, ''].join('\n')
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(char: string): string {
  return char === '\n' ? '\\n' : `\\${char}`
}
