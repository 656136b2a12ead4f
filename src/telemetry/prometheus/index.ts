export { prometheus, type PrometheusOptions, type PrometheusTelemetry } from './prometheus.js'
export type { PrometheusBuckets } from './buckets.js'
