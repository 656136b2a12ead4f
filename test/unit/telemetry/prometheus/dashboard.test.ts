import { expect, test } from 'vitest'
import {
  BROKER_METRICS,
  PREFIX,
  PROCESS_METRICS,
  type Metric,
} from '../../../../src/telemetry/prometheus/metric-table.js'
import { dashboardQueries } from '../../../support/dashboard.js'

const METRICS = new Map<string, Metric>(Object.entries({ ...PROCESS_METRICS, ...BROKER_METRICS }))
const queries = await dashboardQueries()

/** The metric of a name in a query: a histogram has series with endings of their own. */
function metricOf(series: string): Metric | undefined {
  const name = series.slice(PREFIX.length)
  const histogram = METRICS.get(name.replace(/_(bucket|sum|count)$/, ''))
  return METRICS.get(name) ?? (histogram?.type === 'histogram' ? histogram : undefined)
}

test('the dashboard begins with lateness', () => {
  expect(queries.slice(0, 2)).toMatchObject([
    { panel: 'Lateness', legend: 'p50' },
    { panel: 'Lateness', legend: 'p99' },
  ])
})

test.each(queries)('$panel, $legend: its metric is exported, with the labels that it names', ({ expr, legend }) => {
  const series = expr.match(/\bdueque_\w+/g) ?? []
  expect(series).toHaveLength(1)
  const metric = metricOf(series[0]!)
  expect(metric, `${series[0]} in the table of metrics`).toBeDefined()
  const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]!.split(/,\s*/) ?? []
  const selected = [...expr.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label!)
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)
  const labels = [...metric!.labels, ...(metric!.type === 'histogram' ? ['le'] : [])]
  expect(labels).toEqual(expect.arrayContaining([...grouped, ...selected]))
  expect(grouped).toEqual(expect.arrayContaining(shown))
  if (metric!.type === 'counter') expect(expr).toContain('rate(')
})
