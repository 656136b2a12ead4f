import { get, httpReason, httpSource } from '../http.js'
import type { Histogram } from './histogram.js'
import { numberOf, readMetrics } from './metrics-text.js'

const TIMEOUT_MS = 5000
const [LATENESS, SCHEDULED] = ['message_lateness_seconds_bucket', 'messages_scheduled_total']

/** What an exporter of `dueque/prometheus` has counted since its process began. */
export interface Scrape {
  /** Lateness in seconds by work queue. */
  lateness: ReadonlyMap<string, Histogram>
  /** Undefined if it does not count schedules. */
  scheduled: number | undefined
}

/**
 * Asks an exporter once.
 *
 * @param url may hold user and password
 * @returns a text that names the exporter and says why it was not read
 */
export async function scrape(url: string): Promise<Scrape | string> {
  const source = httpSource(url, TIMEOUT_MS)
  try {
    const read = scrapeOf(await (await get(source)).text())
    if (read) return read
    return `${source.url.host}: no dueque_message_lateness_seconds there; expected the URL of an exporter of dueque/prometheus`
  } catch (error) {
    return `${source.url.host}: ${httpReason(error)}`
  }
}

/**
 * Sums over the labels that do not count here, so that a histogram is that of a work queue. Undefined for a text without these
 * metrics.
 */
export function scrapeOf(text: string): Scrape | undefined {
  const values = readMetrics(text, (name) => name.endsWith(LATENESS) || name.endsWith(SCHEDULED))
  if (values.length === 0) return undefined
  const lateness = new Map<string, Map<number, number>>()
  let scheduled: number | undefined
  for (const { name, labels, value } of values) {
    if (!(value >= 0)) continue
    if (name.endsWith(SCHEDULED)) {
      if ((labels['outcome'] ?? 'confirmed') === 'confirmed') scheduled = (scheduled ?? 0) + value
      continue
    }
    const queue = labels['queue'] ?? ''
    const buckets = lateness.get(queue) ?? new Map<number, number>()
    const bound = numberOf(labels['le'] ?? '+Inf')
    lateness.set(queue, buckets.set(bound, (buckets.get(bound) ?? 0) + value))
  }
  return { lateness, scheduled }
}
