import { scrape, type Scrape } from './exporter.js'
import { increaseOf, sumOfHistograms, type Histogram } from './histogram.js'
import { countOfHistogram, type Lateness } from './lateness.js'
import { Window, WINDOW_MS } from './window.js'

/** What exporters have counted in the last minute. */
export interface Exported {
  lateness: Lateness
  /** Undefined if none of them counts schedules. */
  scheduled: number | undefined
}

/** Between two scrapes of one exporter. */
interface Step {
  lateness: ReadonlyMap<string, Histogram>
  scheduled: number | undefined
}

/** The exporters of consumers and producers, whose counts are added up. */
export class Exporters {
  readonly #urls: readonly string[]
  readonly #last = new Map<string, { at: number; scrape: Scrape }>()
  readonly #steps = new Window<Step>()
  #since: number | undefined

  /** @param urls such as http://localhost:9464/metrics */
  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  /** Asks all of them. An exporter that does not answer is one of the problems. */
  async look(): Promise<Exported> {
    const found = await Promise.all(this.#urls.map(async (url) => [url, await scrape(url)] as const))
    const now = performance.now()
    const problems: string[] = []
    for (const [url, one] of found) {
      if (typeof one === 'string') problems.push(one)
      else this.#take(url, one, now)
    }
    return this.#sum(now, problems)
  }

  #take(url: string, scrape: Scrape, now: number): void {
    const last = this.#last.get(url)
    this.#last.set(url, { at: now, scrape })
    this.#since ??= now
    if (last && last.at > now - WINDOW_MS) this.#steps.add(now, stepOf(last.scrape, scrape))
  }

  #sum(now: number, problems: string[]): Exported {
    const steps = this.#steps.values(now)
    const names = new Set(steps.flatMap(({ lateness }) => [...lateness.keys()]))
    const byQueue = [...names].map((queue) => {
      const histogram = sumOfHistograms(steps.map(({ lateness }) => lateness.get(queue) ?? new Map()))
      return { queue, ...countOfHistogram(histogram) }
    })
    const all = sumOfHistograms(steps.flatMap(({ lateness }) => [...lateness.values()]))
    const counts = steps.flatMap(({ scheduled }) => scheduled ?? [])
    const lateness: Lateness = {
      source: 'metrics',
      overSeconds: secondsOf(Math.min(now - (this.#since ?? now), WINDOW_MS)),
      ...countOfHistogram(all),
      queues: byQueue.filter(({ messages }) => messages > 0).sort((a, b) => b.p99Ms! - a.p99Ms!),
      problems,
    }
    return { lateness, scheduled: counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0) }
  }
}

function stepOf(before: Scrape, after: Scrape): Step {
  const lateness = [...after.lateness].map(
    ([queue, histogram]) => [queue, increaseOf(before.lateness.get(queue), histogram)] as const,
  )
  return { lateness: new Map(lateness), scheduled: countedSince(before.scheduled, after.scheduled) }
}

/** Of a counter that begins anew with its process. */
function countedSince(before: number | undefined, after: number | undefined): number | undefined {
  if (after === undefined) return undefined
  return before === undefined || after < before ? after : after - before
}

export function secondsOf(ms: number): number {
  return Math.round(ms / 100) / 10
}
