import { quantileOf, totalOf, type Histogram } from './histogram.js'

/** Lateness of messages in milliseconds: arrival at the handler, or at the probe, after the due time. */
export interface LatenessCount {
  messages: number
  /** Null without messages. Of exporters: an estimate, by their buckets. */
  p50Ms: number | null
  p99Ms: number | null
}

/** The lateness of the last minute. */
export interface Lateness extends LatenessCount {
  /** `metrics`: of all messages of the exporters. `probe`: of one message with a delay of 1 s every 5 s. */
  source: 'metrics' | 'probe'
  /** Less than 60 until the watch has lasted so long. */
  overSeconds: number
  /** Of exporters: by work queue, the latest first. */
  queues: ({ queue: string } & LatenessCount)[]
  /** Exporters that were not read, or why no message of the probe arrives. */
  problems: string[]
}

/** @param histogram in seconds */
export function countOfHistogram(histogram: Histogram): LatenessCount {
  const ms = (share: number) => {
    const seconds = quantileOf(histogram, share)
    return seconds === undefined ? null : Math.round(seconds * 1e6) / 1000
  }
  return { messages: totalOf(histogram), p50Ms: ms(0.5), p99Ms: ms(0.99) }
}

/** @param latenesses in milliseconds, one for each message */
export function countOfMessages(latenesses: readonly number[]): LatenessCount {
  const sorted = [...latenesses].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? null
  return { messages: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) }
}
