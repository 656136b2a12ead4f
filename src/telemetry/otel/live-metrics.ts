import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { Consumer, ConsumerStats } from '../../consumer/stats.js'
import type { Dueque } from '../../dueque.js'
import type { Health } from '../../health.js'
import { ATTRIBUTE, METRIC } from './names.js'

type Connection = Pick<Dueque, 'health'>
type Counts = { -readonly [Name in keyof ConsumerStats]: number }

const STATES = ['held', 'running', 'following'] as const
/** What becomes of messages, and what a metric calls it. */
const OUTCOMES = {
  handled: 'handled',
  retried: 'retried',
  dead: 'dead',
  suppressed: 'suppressed',
  cancelled: 'cancelled',
  putBack: 'put_back',
} as const satisfies Partial<Record<keyof ConsumerStats, string>>

/** What is asked of the open connections and running consumers whenever metrics are collected. */
export class LiveMetrics {
  readonly #connections = new Set<Connection>()
  readonly #consumers = new Set<Consumer>()
  /** Of consumers that have closed, by queue: a counter never goes back. */
  readonly #closed = new Map<string, Counts>()
  readonly #flush: () => void
  readonly #messages: Observable
  readonly #outcomes: Observable
  readonly #lag: Observable
  readonly #open: Observable

  /** @param flush called before metrics are collected, and at the end of each connection */
  constructor(meter: Meter, flush: () => void) {
    this.#flush = flush
    this.#messages = meter.createObservableUpDownCounter(METRIC.messages, {
      unit: '{message}',
      description: 'Messages in this process, by what they wait for.',
    })
    this.#outcomes = meter.createObservableCounter(METRIC.outcomes, {
      unit: '{message}',
      description: 'What became of the messages that consumers took.',
    })
    this.#lag = meter.createObservableGauge(METRIC.cancellationLag, {
      unit: 's',
      description: 'Time since it was last proved that every cancellation is read.',
    })
    this.#open = meter.createObservableUpDownCounter(METRIC.connections, {
      unit: '{connection}',
      description: 'Open connections to the broker, by role and state.',
    })
    const observables = [this.#messages, this.#outcomes, this.#lag, this.#open]
    meter.addBatchObservableCallback((result) => this.#observe(result), observables)
  }

  /** @returns to be called when it has closed */
  connected(connection: Connection): () => void {
    this.#connections.add(connection)
    return () => {
      this.#connections.delete(connection)
      this.#flush()
    }
  }

  /** @returns to be called when it has closed */
  consuming(consumer: Consumer): () => void {
    this.#consumers.add(consumer)
    return () => {
      if (!this.#consumers.delete(consumer)) return
      const { queue } = consumer
      const counts = sum(this.#closed.get(queue), consumer.stats())
      for (const state of STATES) counts[state] = 0
      this.#closed.set(queue, counts)
    }
  }

  #observe(result: BatchObservableResult): void {
    // An SDK asks here before it reads counters.
    this.#flush()
    this.#observeConsumers(result)
    const healths = Array.from(this.#connections, (connection) => connection.health())
    const unconfirmed = healths.reduce((count, { waitingForConfirm }) => count + waitingForConfirm, 0)
    result.observe(this.#messages, unconfirmed, { [ATTRIBUTE.state]: 'unconfirmed' })
    this.#observeConnections(result, healths)
    const lag = lagSeconds(healths)
    if (lag !== undefined) result.observe(this.#lag, lag)
  }

  /** Several consumers of a queue count together. */
  #observeConsumers(result: BatchObservableResult): void {
    const queues = new Map(this.#closed)
    for (const consumer of this.#consumers)
      queues.set(consumer.queue, sum(queues.get(consumer.queue), consumer.stats()))
    for (const [queue, counts] of queues) {
      const of = (name: string, value: string) => ({ [ATTRIBUTE.destination]: queue, [name]: value })
      for (const state of STATES) result.observe(this.#messages, counts[state], of(ATTRIBUTE.state, state))
      for (const [name, outcome] of Object.entries(OUTCOMES) as [keyof typeof OUTCOMES, string][])
        result.observe(this.#outcomes, counts[name], of(ATTRIBUTE.outcome, outcome))
    }
  }

  #observeConnections(result: BatchObservableResult, healths: readonly Health[]): void {
    for (const role of ['producer', 'consumer'] as const)
      for (const state of ['up', 'blocked', 'down']) {
        const { length } = healths.filter((health) => health[role] === state)
        result.observe(this.#open, length, { [ATTRIBUTE.role]: role, [ATTRIBUTE.state]: state })
      }
  }
}

function sum(counts: Counts | undefined, more: ConsumerStats): Counts {
  const total: Counts = { ...more }
  for (const name of Object.keys(total) as (keyof Counts)[]) total[name] += counts?.[name] ?? 0
  return total
}

/** Of the connection that is furthest behind. */
function lagSeconds(healths: readonly Health[]): number | undefined {
  const proved = healths.flatMap(({ cancellations }) => cancellations?.provedAt ?? []).map((at) => Date.parse(at))
  return proved.length === 0 ? undefined : Math.max(0, Date.now() - Math.min(...proved)) / 1000
}
