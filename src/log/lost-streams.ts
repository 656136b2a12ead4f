import { setTimeout as pause } from 'node:timers/promises'
import type { ChannelModel } from 'amqplib'
import type { AmqpConnection } from '../amqp/connection/connection.js'
import { isAway, isLoss, lostStream, operationFailure, replyCode } from '../amqp/connection/failures.js'
import type { Topology } from '../amqp/topology/topology.js'
import { backoff } from '../base/backoff.js'
import { isDuequeError, withOutcome } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { SharedRuns } from '../base/shared-runs.js'
import { TIMED_OUT, withTimeLimit } from '../base/time-limit.js'
import type { LogLayout } from './log-layout.js'
import { writeEmptyRecords } from './first-records.js'
import type { Horizon } from './horizons.js'

/** How long another process may mend the stream, or RabbitMQ be away. Each record has its own time limit. */
const PATIENCE_MS = 60_000
/** RabbitMQ answers a record for a lost stream at once, or after 5 to 6 s each time (4.3.6). */
const PROBE_MS = 30_000
/** RESOURCE_LOCKED. AMQP 0-9-1, 1.2. */
const LOCKED = 405

export interface LostStreamsSettings {
  layout: LogLayout
  /** Of the connection that writes records. */
  topology: Topology
  /** Declares a stream that was deleted. */
  declare: (horizon: Horizon) => Promise<void>
  logger: Logger
}

/**
 * RabbitMQ loses its first streams if it is killed within a second of their declaration, for ever: it still declares such a
 * stream, and closes every connection that writes to it or reads it (docs/decisions/046). Its records are gone, so that it
 * can be deleted and declared anew.
 *
 * Several processes may find that out at the same moment. The first one declares the stream anew, and has a record confirmed
 * by it; the second must not delete it. RabbitMQ's count of messages lags, and tells them nothing. So a stream is deleted by
 * the owner of its lock alone, an exclusive queue, and after a proof that it is lost at this moment. The deletion goes over the
 * connection that has the lock: without the lock it gets nowhere.
 */
export class LostStreams {
  readonly #settings: LostStreamsSettings
  /** Each one once, however many records were refused. */
  readonly #mending = new SharedRuns<Horizon>()

  constructor(settings: LostStreamsSettings) {
    this.#settings = settings
  }

  /**
   * Resolves when the stream that refused a record is there again, as far as can be known. The next record shows it.
   *
   * @throws the error itself if it means something else, or where nothing is declared; `PERMISSION_DENIED`, `BROKER_ERROR`
   */
  async recover(horizon: Horizon, error: unknown): Promise<void> {
    const { layout, topology } = this.#settings
    const isLost = isDuequeError(error, 'TOPOLOGY_MISSING') && error.data.resource === layout.stream(horizon)
    if (!isLost || topology.trusts) throw error
    const mending = this.#mending.do(horizon, () => this.#mend(horizon))
    await mending.catch((failure: unknown) => {
      throw isDuequeError(failure) ? withOutcome(failure, error.outcome) : failure
    })
  }

  async #mend(horizon: Horizon): Promise<void> {
    const { layout, topology, declare } = this.#settings
    const stream = layout.stream(horizon)
    const until = performance.now() + PATIENCE_MS
    for (let attempt = 0; ; attempt++) {
      try {
        await topology.apart((connection) => this.#deleteIfLost(connection, horizon))
        return await declare(horizon)
      } catch (error) {
        if (!isPassing(error)) throw operationFailure(error, `queue ${stream}`, 'configure')
        // The record is tried again: the stream may be there by now.
        if (performance.now() > until) return
      }
      await pause(backoff(attempt, { maxMs: 1000 }), undefined, { ref: false })
    }
  }

  async #deleteIfLost(connection: AmqpConnection, horizon: Horizon): Promise<void> {
    const { layout, logger } = this.#settings
    const stream = layout.stream(horizon)
    // No other connection: this one would be replaced when it is lost.
    const model = await connection.ready()
    const channel = await locked(model, layout.lock(horizon))
    // Another process may have mended it.
    if (!(await this.#isLost(horizon))) return
    logger.warn('RabbitMQ has lost a stream: it is declared anew', { stream })
    await channel.deleteQueue(stream)
  }

  /** Whether RabbitMQ closes a connection over a record for the stream, and names it. Nothing else is a proof. */
  #isLost(horizon: Horizon): Promise<boolean> {
    const { layout, topology } = this.#settings
    return topology.apart(async (connection) => {
      try {
        await withTimeLimit(writeEmptyRecords(connection, layout, [horizon]), PROBE_MS)
        return false
      } catch (error) {
        if (lostStream(connection.failure) === layout.stream(horizon)) return true
        throw error
      }
    })
  }
}

/** A channel of the connection that has the lock. It has it as long as it is open. */
async function locked(model: ChannelModel, lock: string) {
  const channel = await model.createChannel()
  // Reported by the operation that caused it.
  channel.on('error', () => undefined)
  await channel.assertQueue(lock, { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } })
  return channel
}

/** Another process has the lock, RabbitMQ takes no messages for now, or a connection was lost. */
function isPassing(error: unknown): boolean {
  return (
    error === TIMED_OUT ||
    replyCode(error) === LOCKED ||
    isLoss(error) ||
    isAway(error) ||
    isDuequeError(error, 'UNREACHABLE')
  )
}
