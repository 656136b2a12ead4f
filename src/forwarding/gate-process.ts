import { AmqpBroker } from '../amqp/amqp-broker.js'
import { quietEvents } from '../amqp/connection/quiet-events.js'
import { DuequeError, isDuequeError } from '../base/errors.js'
import { newTail, type GatedTail } from '../cancellation/gated-tail.js'
import type { Health } from '../health.js'
import { openSession, type Session } from '../session.js'
import { Forwarder } from './forwarder.js'
import { FORWARDS_TO, resolveGate, type GateOptions, type ResolvedGate } from './gate-options.js'
import { GateRoute } from './gate-route.js'
import { UnroutableForwarder } from './unroutable.js'

/** Counts since the start, but for `held`. */
export interface GateStats {
  /** Messages that the queue `to` has taken. */
  readonly forwarded: number
  /** Cancelled messages that were dropped. */
  readonly cancelled: number
  /** Messages that wait here now, until they are due or until every cancellation is read. */
  readonly held: number
  /** Messages in the dead queue of `from`. */
  readonly dead: number
}

/** A running gate. Made by {@link startGate}. */
export interface GateProcess extends AsyncDisposable {
  stats(): GateStats
  /**
   * How things stand with the connections and the cancellations, in plain JSON. `ok` is false while one of the connections is
   * away, RabbitMQ takes no messages, or the gate waits because its cancellations cannot be read.
   */
  health(): Health
  /** Finishes what it forwards, gives the rest back, and closes the connections. Idempotent. */
  close(): Promise<void>
}

/**
 * Takes messages from a queue, drops those that are cancelled, and forwards the others to the queue of a consumer that does not
 * know dueque, each when it is due. Body, properties and headers stay, but for `expiration`, `user_id`, `CC` and the broker's
 * own headers; `dueque-to` names the queue `to`.
 *
 * Guarantee: a message whose cancellation was answered with `cancelled` is not forwarded, as long as the gate can read the
 * cancellations. No message is forwarded before it is due. A message is acked when its new copy is confirmed, so none is lost;
 * one may be forwarded twice when the process or a connection ends in between. A message that has expired goes to the queue
 * `<from>.dead`. A message without a revision is forwarded and never dropped. A message that is forwarded cannot be cancelled
 * any more. Any number of gates may run side by side.
 *
 * @throws DuequeError as `connect` does; `DESTINATION_MISSING` without one of the queues; `RESERVED_NAME`, `NAME_TOO_LONG`;
 * `UNSUPPORTED` on a broker without streams; `PERMISSION_DENIED` without the right to read the cancellations
 * @example
 * const gate = await startGate({ url: 'amqp://localhost', from: 'reminders', to: 'reminders.due' })
 */
export async function startGate(options: GateOptions): Promise<GateProcess> {
  const gate = new RunningGate(resolveGate(options))
  try {
    await gate.start()
    return gate
  } catch (error) {
    await gate.close()
    throw error
  }
}

class RunningGate implements GateProcess {
  readonly #settings: ResolvedGate
  readonly #broker: AmqpBroker
  readonly #tail: GatedTail
  readonly #route: GateRoute
  readonly #forwarder: Forwarder
  readonly #unroutable: UnroutableForwarder
  #session: Session | undefined
  #closing: Promise<void> | undefined

  constructor(settings: ResolvedGate) {
    const { connection, onError, onTailDown } = settings
    const { clock, publishTimeoutMs: closeMs } = connection
    this.#settings = settings
    this.#broker = new AmqpBroker(connection, quietEvents({ error: onError }))
    this.#tail = newTail(this.#broker, connection, { onError })
    this.#route = new GateRoute(settings, this.#broker, this.#tail.forConsumer(onTailDown))
    this.#unroutable = new UnroutableForwarder(this.#broker, connection)
    this.#forwarder = new Forwarder({ clock, route: (arrival) => this.#route.of(arrival), closeMs })
  }

  async start(): Promise<void> {
    const { connection, from, to, declare, prefetch, onTailDown, onError } = this.#settings
    const { topology } = this.#broker
    const started = () => this.#unroutable.start()
    this.#session = await openSession(this.#broker, connection, { onError, started })
    await topology.assertUsers({ queue: from })
    await topology.destination({ queue: to }, declare)
    await this.#assertThere(to)
    await this.#tail.forConsumer(onTailDown).ready()
    const about = { arguments: { [FORWARDS_TO]: to } }
    await this.#forwarder.start((listener) =>
      this.#broker.subscribe({ queue: from }, { prefetch, declare }, listener, about),
    )
  }

  /**
   * Also in the mode `trust`, where messages would be parked one by one. RabbitMQ 4 tells it only to a user who may configure
   * the queue.
   */
  async #assertThere(queue: string): Promise<void> {
    const { declarer } = this.#broker.topology
    const isThere = await declarer.exists('queue', queue).catch((error: unknown) => {
      if (isDuequeError(error, 'PERMISSION_DENIED')) return true
      throw error
    })
    if (isThere) return
    const destination = `queue:${queue}`
    throw new DuequeError('DESTINATION_MISSING', `${destination} does not exist: declare it first`, { destination })
  }

  stats(): GateStats {
    return { ...this.#route.counts, held: this.#forwarder.held + this.#route.waits.size }
  }

  health(): Health {
    const health = this.#broker.health()
    const cancellations = this.#tail.tail.health()
    const isStopped = this.#settings.onTailDown === 'wait' && cancellations?.state === 'down'
    const isUp = health.producer === 'up' && health.consumer === 'up' && !isStopped
    return { ok: isUp && this.#closing === undefined, ...health, ...(cancellations && { cancellations }) }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const forwarded = this.#forwarder.close()
    this.#route.waits.end()
    await forwarded
    this.#route.abandon()
    await Promise.all([this.#unroutable.close(), this.#tail.tail.close()])
    await this.#session?.close()
  }
}
