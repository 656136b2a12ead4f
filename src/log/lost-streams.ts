import type { Topology } from '../amqp/topology/topology.js'
import { isDuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { LogLayout } from './log-layout.js'
import type { Horizon } from './horizons.js'

/**
 * RabbitMQ loses its first streams if it is killed within a second of their declaration, for ever: it still declares such a
 * stream, and closes every connection that writes to it or reads it (docs/decisions/046). Its records are gone, so that it
 * can be deleted and declared anew.
 */
export class LostStreams {
  readonly #layout: LogLayout
  readonly #topology: Topology
  readonly #logger: Logger
  /** Each one once, however many records were refused. */
  readonly #deleting = new Map<Horizon, Promise<void>>()

  constructor(layout: LogLayout, topology: Topology, logger: Logger) {
    this.#layout = layout
    this.#topology = topology
    this.#logger = logger
  }

  /**
   * Deletes the stream that refused a record. The next publish declares it.
   *
   * @throws the error itself if it means something else, or where nothing is declared
   */
  async recover(horizon: Horizon, error: unknown): Promise<void> {
    const stream = this.#layout.stream(horizon)
    const isLost = isDuequeError(error, 'TOPOLOGY_MISSING') && error.data.resource === stream
    if (!isLost || this.#topology.trusts) throw error
    const deleting = this.#deleting.get(horizon) ?? this.#delete(stream).finally(() => this.#deleting.delete(horizon))
    this.#deleting.set(horizon, deleting)
    await deleting
  }

  async #delete(stream: string): Promise<void> {
    const { declarer } = this.#topology
    // Another process may have done it, or another record. A lost stream counts none.
    if (((await declarer.count(stream)) ?? 0) > 0) return
    this.#logger.warn('RabbitMQ has lost a stream: it is declared anew', { stream })
    await declarer.delete({ kind: 'queue', name: stream, arguments: {} })
    this.#topology.forget()
  }
}
