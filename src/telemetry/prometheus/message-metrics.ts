import type { CancelResult } from '../../schedule/cancel-result.js'
import type { MetricFactory } from './metric-factory.js'
import type { NameLabels } from './name-labels.js'
import type { ResolvedBuckets } from './buckets.js'

const SCHEDULED = ['confirmed', 'refused', 'unknown'] as const
const PROCESSED = ['handled', 'retried', 'dead', 'cancelled'] as const
const CANCELLED: readonly (CancelResult | 'failed')[] = ['cancelled', 'too-late', 'unknown', 'not-waiting', 'failed']

interface Counted {
  inc(value?: number): void
}
interface Observed {
  observe(value: number): void
}

/** Counts and times schedules, cancellations and attempts. Each promise rejects if a metric cannot be counted, not if `run` does. */
export class MessageMetrics {
  readonly #names: NameLabels
  readonly #scheduleDuration: Observed
  readonly #scheduled: (name: string) => Record<(typeof SCHEDULED)[number], Counted>
  readonly #processed: (queue: string) => (name: string) => Record<(typeof PROCESSED)[number], Counted>
  readonly #lateness: (queue: string) => Observed
  readonly #handlerDuration: (queue: string) => (name: string) => Observed
  readonly #cancelled: Record<CancelResult | 'failed', Counted>

  constructor(factory: MetricFactory, names: NameLabels, buckets: ResolvedBuckets) {
    this.#names = names
    const scheduled = factory.counter('messages_scheduled_total')
    this.#scheduled = kept((name) => children(SCHEDULED, (outcome) => scheduled.labels(name, outcome)))
    this.#scheduleDuration = factory.histogram('schedule_duration_seconds', buckets.schedule)
    const processed = factory.counter('messages_processed_total')
    this.#processed = kept((queue) =>
      kept((name) => children(PROCESSED, (outcome) => processed.labels(queue, name, outcome))),
    )
    const lateness = factory.histogram('message_lateness_seconds', buckets.lateness)
    this.#lateness = kept((queue) => lateness.labels(queue))
    const duration = factory.histogram('handler_duration_seconds', buckets.handler)
    this.#handlerDuration = kept((queue) => kept((name) => duration.labels(queue, name)))
    const cancelled = factory.counter('cancellations_total')
    this.#cancelled = children(CANCELLED, (outcome) => cancelled.labels(outcome))
  }

  /** The series of a consumer begin with zero: a rate sees their first step. */
  consuming(queue: string, names: readonly string[]): void {
    this.#names.handled(names)
    for (const name of names) this.#processed(queue)(name)
  }

  schedule(name: string, run: () => Promise<unknown>): Promise<void> {
    const counted = this.#scheduled(this.#names.ofSchedule(name))
    const startedAt = performance.now()
    return run().then(
      () => {
        counted.confirmed.inc()
        this.#scheduleDuration.observe(secondsSince(startedAt))
      },
      (error: unknown) => counted[outcomeOf(error)].inc(),
    )
  }

  cancel<T>(run: () => Promise<T>, outcomeOf: (answer: T) => CancelResult): Promise<void> {
    return run().then(
      (answer) => this.#cancelled[outcomeOf(answer)].inc(),
      () => this.#cancelled.failed.inc(),
    )
  }

  /** @param latenessMs of a first attempt: that of a later one has the wait for its retry in it */
  process(queue: string, name: string, latenessMs: number | undefined, run: () => Promise<void>): Promise<void> {
    if (latenessMs !== undefined) this.#lateness(queue).observe(Math.max(latenessMs, 0) / 1000)
    const duration = this.#handlerDuration(queue)(this.#names.ofDelivery(name))
    const startedAt = performance.now()
    const ended = () => duration.observe(secondsSince(startedAt))
    return run().then(ended, ended)
  }

  processed(queue: string, name: string | undefined, outcome: (typeof PROCESSED)[number]): void {
    this.#processed(queue)(this.#names.ofDelivery(name))[outcome].inc()
  }
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000
}

/** Without an outcome it is an error of the caller, such as a payload that is no JSON. */
function outcomeOf(error: unknown): 'refused' | 'unknown' {
  return (error as { outcome?: unknown } | undefined)?.outcome === 'unknown' ? 'unknown' : 'refused'
}

/** One counter for each outcome, all of them shown from the start. */
function children<K extends string>(outcomes: readonly K[], child: (outcome: K) => Counted): Record<K, Counted> {
  const all = outcomes.map((outcome) => [outcome, child(outcome)] as const)
  for (const [, counted] of all) counted.inc(0)
  return Object.fromEntries(all) as Record<K, Counted>
}

/** Makes what belongs to a key once: prom-client would look the labels up for each message. */
function kept<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    const found = made.get(key)
    if (found !== undefined) return found
    const one = make(key)
    made.set(key, one)
    return one
  }
}
