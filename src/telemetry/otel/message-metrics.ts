import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api'
import type { Delivery } from '../../consumer/delivery.js'
import type { DuequeEvents } from '../../events.js'
import { withError, type Failure } from './failure.js'
import { LiveMetrics } from './live-metrics.js'
import { ATTRIBUTE, METRIC } from './names.js'
import { Tally } from './tally.js'

/** As the semantic conventions advise, in seconds. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** From the millisecond that is usual to the hours after an outage, in seconds. */
const LATENESS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600]

/** The instruments of one meter. */
export class MessageMetrics {
  readonly live: LiveMetrics
  readonly #sent: Tally
  readonly #consumed: Tally
  readonly #operations: Histogram
  readonly #handlers: Histogram
  readonly #lateness: Histogram
  readonly #deadLetters: Counter
  readonly #parked: Counter
  readonly #cancellations: Counter

  constructor(meter: Meter) {
    const counter = (name: string, unit: string, description: string) =>
      meter.createCounter(name, { unit, description })
    const seconds = (name: string, explicitBucketBoundaries: number[], description: string) =>
      meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries } })
    const sent = counter(METRIC.sent, '{message}', 'Number of messages producer attempted to send to the broker.')
    const consumed = counter(METRIC.consumed, '{message}', 'Number of messages that were delivered to the application.')
    this.#sent = new Tally(sent)
    this.#consumed = new Tally(consumed)
    this.live = new LiveMetrics(meter, () => {
      this.#sent.flush()
      this.#consumed.flush()
    })
    this.#operations = seconds(
      METRIC.operationDuration,
      DURATIONS,
      'Duration of messaging operation initiated by a producer or consumer client.',
    )
    this.#handlers = seconds(METRIC.processDuration, DURATIONS, 'Duration of processing operation.')
    this.#lateness = seconds(
      METRIC.lateness,
      LATENESS,
      'How late messages were ready for the handler of their first attempt.',
    )
    this.#deadLetters = counter(METRIC.deadLetters, '{message}', 'Messages that consumers gave up.')
    this.#parked = counter(METRIC.parked, '{message}', 'Unroutable messages that were moved to the parking queue.')
    this.#cancellations = counter(
      METRIC.cancellations,
      '{cancellation}',
      'Cancellations and reschedules, by their outcome.',
    )
  }

  sent(attributes: Attributes, failure: Failure | undefined): void {
    this.#sent.count(attributes, failure)
  }

  operation(attributes: Attributes, durationMs: number, failure: Failure | undefined): void {
    this.#operations.record(durationMs / 1000, withError(attributes, failure))
  }

  /** A handler starts. */
  consumed(attributes: Attributes, { attempt, latenessMs }: Pick<Delivery, 'attempt' | 'latenessMs'>): void {
    this.#consumed.count(attributes)
    // That of a retry includes its back-off.
    if (attempt === 1) this.#lateness.record(latenessMs / 1000, attributes)
  }

  /** A handler has ended. */
  processed(attributes: Attributes, durationMs: number, failure: Failure | undefined): void {
    this.#handlers.record(durationMs / 1000, withError(attributes, failure))
  }

  readonly events: Partial<DuequeEvents> = {
    dead: ({ queue, reason }) =>
      this.#deadLetters.add(1, { [ATTRIBUTE.destination]: queue, [ATTRIBUTE.reason]: reason }),
    parked: ({ reason }) => this.#parked.add(1, { [ATTRIBUTE.reason]: reason }),
    cancelled: ({ outcome }) => this.#cancellations.add(1, { [ATTRIBUTE.outcome]: outcome }),
  }
}

/** Two of one name would overwrite each other's observations. */
const all = new WeakMap<Meter, MessageMetrics>()

/** The instruments of this meter: the same for all connections of the process. */
export function metricsOf(meter: Meter): MessageMetrics {
  const known = all.get(meter)
  if (known) return known
  const metrics = new MessageMetrics(meter)
  all.set(meter, metrics)
  return metrics
}
