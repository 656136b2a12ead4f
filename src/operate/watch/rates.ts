import type { Exported } from './exporters.js'
import type { CountReport } from '../status-report.js'
import { WINDOW_MS } from './window.js'

/** Messages a second in the last minute, or since the watch began. */
export interface Rates {
  overSeconds: number
  /**
   * `management`: the counts of the exchanges, by which delivered is scheduled less the change of waiting. `metrics`: those of the
   * exporters. `counts`: the change of waiting alone is known.
   */
  source: 'management' | 'metrics' | 'counts'
  /** Published to wait, retries included. */
  scheduled: number | null
  /** Due and delivered to a destination. */
  delivered: number | null
  /** By how much the number of waiting messages changes: below 0, it falls. */
  waiting: number
}

/** What one look has counted. */
export interface CountSample {
  /** Milliseconds of a time that never goes back. */
  at: number
  source: CountReport['source']
  waiting: number
  /** Messages that clients have published to wait, since some beginning. Undefined if it is not known. */
  published: number | undefined
}

/** The management API counts again every 5 s, so that differences of less time are those of its clock. */
const LEAST_MS = 5000

/** @returns null if there is nothing yet to compare with */
export function ratesOf(samples: readonly CountSample[], exported: Exported | undefined): Rates | null {
  const [first, last] = [samples[0], samples.at(-1)]
  const published = publishedIn(samples)
  if (!first || !last || last.at - first.at < (published === undefined ? 1 : LEAST_MS)) return null
  const seconds = (last.at - first.at) / 1000
  const waiting = (last.waiting - first.waiting) / seconds
  const known = { overSeconds: round(seconds), waiting: round(waiting) }
  if (published !== undefined) {
    const scheduled = published / seconds
    const delivered = Math.max(scheduled - waiting, 0)
    return { source: 'management', ...known, scheduled: round(scheduled), delivered: round(delivered) }
  }
  if (!exported || exported.lateness.overSeconds === 0)
    return { source: 'counts', ...known, scheduled: null, delivered: null }
  const { scheduled, lateness } = exported
  const perSecond = (count: number) => round(count / lateness.overSeconds)
  return {
    source: 'metrics',
    ...known,
    scheduled: scheduled === undefined ? null : perSecond(scheduled),
    delivered: perSecond(lateness.messages),
  }
}

/** Those of the last minute, and the last one before it. Only since the source has changed, which counts otherwise. */
export function inWindow(samples: readonly CountSample[], now: number): CountSample[] {
  const last = samples.at(-1)
  const others = samples.findLastIndex(({ source }) => source !== last?.source)
  const from = samples.findLastIndex(({ at }) => at <= now - WINDOW_MS)
  return samples.slice(Math.max(from, others + 1, 0))
}

/** A count that falls has begun anew: the broker was restarted. One that is not there yet is 0, and one that was there stays. */
function publishedIn(samples: readonly CountSample[]): number | undefined {
  if (samples.every(({ published }) => published === undefined)) return undefined
  let [sum, before] = [0, samples[0]?.published ?? 0]
  for (const { published = before } of samples) {
    sum += published - (published < before ? 0 : before)
    before = published
  }
  return sum
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
