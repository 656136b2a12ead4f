import type { Consumer, ConsumerStats } from '../../consumer/stats.js'
import type { Dueque } from '../../dueque.js'
import type { Health } from '../../health.js'
import type { MetricFactory, Series } from './metric-factory.js'

type Connection = Pick<Dueque, 'health'>

/** The state of connections and consumers, asked for at each scrape. What has closed has no gauge any more. */
export class StateMetrics {
  readonly #connections = new Set<Connection>()
  readonly #consumers = new Set<Consumer>()
  /** Of consumers that have closed: a counter never goes down. */
  readonly #before = { suppressed: new Map<string, number>(), putBack: new Map<string, number>() }

  constructor(factory: MetricFactory) {
    factory.gaugeOf('handlers_running', () => this.#byQueue((stats) => stats.running))
    factory.gaugeOf('messages_held', () => this.#byQueue((stats) => stats.held))
    factory.gaugeOf('messages_following', () => this.#byQueue((stats) => stats.following))
    factory.countOf('messages_suppressed_total', () =>
      this.#byQueue((stats) => stats.suppressed, this.#before.suppressed),
    )
    factory.countOf('messages_put_back_total', () => this.#byQueue((stats) => stats.putBack, this.#before.putBack))
    factory.gaugeOf('messages_unconfirmed', () => this.#of('sum', ({ waitingForConfirm }) => waitingForConfirm))
    factory.gaugeOf('broker_blocked', () => this.#of('max', ({ producer }) => Number(producer === 'blocked')))
    factory.gaugeOf('connection_up', () => this.#connectionsUp())
    factory.gaugeOf('cancellations_remembered', () => this.#of('sum', ({ cancellations }) => cancellations?.records))
    factory.gaugeOf('cancellations_proved_age_seconds', () =>
      this.#of('max', ({ cancellations }) => cancellations?.provedAt && secondsSince(cancellations.provedAt)),
    )
  }

  connected(connection: Connection): () => void {
    this.#connections.add(connection)
    return () => this.#connections.delete(connection)
  }

  consuming(consumer: Consumer): () => void {
    this.#consumers.add(consumer)
    return () => {
      if (!this.#consumers.delete(consumer)) return
      const { suppressed, putBack } = consumer.stats()
      add(this.#before.suppressed, consumer.queue, suppressed)
      add(this.#before.putBack, consumer.queue, putBack)
    }
  }

  #byQueue(count: (stats: ConsumerStats) => number, before?: ReadonlyMap<string, number>): Series[] {
    const sums = new Map(before)
    for (const consumer of this.#consumers) add(sums, consumer.queue, count(consumer.stats()))
    return [...sums].map(([queue, sum]) => [{ queue }, sum])
  }

  #connectionsUp(): Series[] {
    const isUp = (state: string | undefined) => (state === undefined ? undefined : Number(state !== 'down'))
    return [
      ...this.#of('min', ({ producer }) => isUp(producer), { role: 'producer' }),
      ...this.#of('min', ({ consumer }) => isUp(consumer === 'unused' ? undefined : consumer), { role: 'consumer' }),
      ...this.#of('min', ({ store }) => isUp(store), { role: 'store' }),
    ]
  }

  /** One number of all connections that have it; nothing if none has. */
  #of(
    how: 'sum' | 'min' | 'max',
    value: (health: Health) => number | '' | undefined,
    labels: Record<string, string> = {},
  ): Series[] {
    const values = [...this.#connections].map((one) => value(one.health())).filter((one) => typeof one === 'number')
    if (values.length === 0) return []
    return [[labels, how === 'sum' ? values.reduce((sum, one) => sum + one, 0) : Math[how](...values)]]
  }
}

function add(sums: Map<string, number>, queue: string, value: number): void {
  sums.set(queue, (sums.get(queue) ?? 0) + value)
}

function secondsSince(iso: string): number {
  return Math.max(Date.now() - Date.parse(iso), 0) / 1000
}
