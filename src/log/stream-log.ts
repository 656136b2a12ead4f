import type { AmqpBroker } from '../amqp/amqp-broker.js'
import { COMES_BACK_MS } from '../amqp/connection/failures.js'
import type { Frame } from '../amqp/publish/frame-builder.js'
import type { PublishPlan } from '../amqp/publish/publication.js'
import type { Declarer } from '../amqp/topology/declarer.js'
import type { Topology } from '../amqp/topology/topology.js'
import { DuequeError, isDuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Timeline } from '../base/clock.js'
import { inNoContext } from '../base/no-context.js'
import { SharedRuns } from '../base/shared-runs.js'
import { endsWithin } from '../base/time-limit.js'
import type { Horizon } from './horizons.js'
import type { LogLayout } from './log-layout.js'
import { LostStreams } from './lost-streams.js'
import type { RecordWriter } from './record-batch.js'
import { RecordBatches, type BatchLimits, type PublishRecords } from './record-batches.js'

/**
 * For the first record of a stream: it may turn out that the stream is lost. RabbitMQ may need 6 s for each of six refusals, and
 * each costs the connection. Starting consumers wait less for it.
 */
const [FIRST_MS, FIRST_AWAITED_MS] = [90_000, 1000]
/** The publisher looks so often for records whose time is over, and a bit. */
const SWEEPS_MS = 500
/** How long a broker without streams is not asked again. */
const REFUSED_MS = 60_000

export interface StreamLogSettings {
  broker: AmqpBroker
  layout: LogLayout
  clock: Timeline
  logger: Logger
  /** How its records gather, if not as those of a few cancellations. */
  limits?: BatchLimits | undefined
}

/** Writes records into the streams of one log of a namespace. Declares the streams when they are first needed. */
export class StreamLog {
  readonly layout: LogLayout
  readonly #broker: AmqpBroker
  readonly #clock: Timeline
  readonly #batches: RecordBatches
  readonly #lost: LostStreams
  #isClosed = false
  /** Those that have confirmed a record, and refused none since. */
  readonly #taking = new Set<Horizon>()
  readonly #asking = new SharedRuns<Horizon>()
  /** First records on their way. A stream may be declared again meanwhile. */
  readonly #first = new SharedRuns<Horizon>()
  /** Of a broker without streams. It closes the connection when it is asked for one. */
  #unsupported: { error: DuequeError; until: number } | undefined

  constructor({ broker, layout, clock, logger, limits }: StreamLogSettings) {
    this.layout = layout
    this.#broker = broker
    this.#clock = clock
    const declare = (horizon: Horizon) => this.#declareAnew(horizon)
    this.#lost = new LostStreams({ layout, topology: broker.topology, declare, logger })
    const publish: PublishRecords = (horizon, body, timeoutMs) => this.#publish(horizon, body, timeoutMs)
    this.#batches = new RecordBatches(publish, broker.publishTimeoutMs, limits)
  }

  /**
   * Resolves when the record is confirmed.
   *
   * @param line without a line end
   * @param due until then the record is needed, in milliseconds since the epoch; undefined if that is not known
   * @throws DuequeError with the `outcome` of this record: what {@link declare} and a publish throw
   */
  write(line: string, due: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const recorded = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      this.send(line, due, { recorded })
    })
  }

  /** As {@link write}, for many: without a promise for each. @param bytes of the line */
  send(line: string, due: number | undefined, writer: RecordWriter, bytes?: number): void {
    if (this.#isClosed) writer.recorded(new DuequeError('CLOSED', 'dueque is closed', {}))
    else this.#batches.write(this.layout.horizonFor(due, this.#clock.now()), line, writer, bytes)
  }

  /** Whether the stream is known to be there, and to take records of this user. */
  takes(horizon: Horizon): boolean {
    return this.#taking.has(horizon)
  }

  /**
   * Resolves when the stream {@link takes} records, as far as a record without content can tell.
   *
   * @throws DuequeError as {@link write}; a later call asks again
   */
  async ready(horizon: Horizon = this.layout.horizons[0]!): Promise<void> {
    if (this.takes(horizon)) return
    // It holds nothing that could be lost with a young stream.
    await this.#asking.do(horizon, () => this.#publish(horizon, Buffer.alloc(0), undefined, () => 0))
  }

  /** Takes no more records. Resolves when those that were written are confirmed, or have failed. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.#batches.settled()
  }

  /**
   * Declares the exchange and the streams on the connection of `topology`. An empty stream gets a first record without
   * content, so that a reader at its end finds something.
   *
   * @param awayMs for so long it waits for a stream that is away, as after the start of its broker
   * @throws DuequeError `UNSUPPORTED` on a broker without streams, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `BROKER_ERROR`
   */
  async declare(topology: Topology, awayMs = COMES_BACK_MS): Promise<void> {
    const { error, until } = this.#unsupported ?? { until: 0 }
    if (error && performance.now() < until) throw error
    try {
      // The topology remembers the exchange and the streams by the kind.
      await topology.ensure(this.layout.kind, async () => {
        await topology.declarer.declare(this.layout.exchangePart())
        // Side by side: every consumer that starts waits for it.
        await Promise.all(
          this.layout.horizons.map((horizon) => this.#declareStream(horizon, topology.newDeclarer(awayMs))),
        )
      })
    } catch (failure) {
      if (isDuequeError(failure, 'UNSUPPORTED'))
        this.#unsupported = { error: failure, until: performance.now() + REFUSED_MS }
      throw failure
    }
  }

  async #declareStream(horizon: Horizon, declarer: Declarer): Promise<void> {
    try {
      for (const part of this.layout.streamParts(horizon)) await declarer.declare(part)
      const count = await declarer.count(this.layout.stream(horizon))
      if (count === 0) {
        this.#broker.topology.young.add(this.layout.stream(horizon))
        await this.#writeFirst(horizon)
      }
    } finally {
      declarer.close()
    }
  }

  /** After its loss. This process or another one has deleted it, which is how old it may be at least. */
  async #declareAnew(horizon: Horizon): Promise<void> {
    const { topology } = this.#broker
    for (const part of this.layout.streamParts(horizon)) await topology.declarer.declare(part)
    topology.young.add(this.layout.stream(horizon))
  }

  /** A reader that starts by time in the moment when the first record is written may get nothing. Never rejects. */
  async #writeFirst(horizon: Horizon): Promise<void> {
    const stream = this.layout.stream(horizon)
    const plan = { stream, prepare: (id: string) => this.#frame(id, horizon.name), safeAt: () => 0 }
    const write = () => this.#write(horizon, Buffer.alloc(0), plan, FIRST_MS).catch(() => undefined)
    const written = this.#first.do(horizon, write)
    // RabbitMQ may take no messages for now.
    await endsWithin(written, FIRST_AWAITED_MS)
  }

  /** RabbitMQ loses its first streams if it is killed right after their declaration. */
  #safeAt(horizon: Horizon): number {
    const { young } = this.#broker.topology
    return young.isEmpty ? 0 : young.safeAt([this.layout.stream(horizon)])
  }

  #publish(
    horizon: Horizon,
    body: Buffer,
    timeoutMs = this.#broker.publishTimeoutMs,
    safeAt = () => this.#safeAt(horizon),
  ): Promise<void> {
    const { topology } = this.#broker
    // RabbitMQ's own words come before the time limit.
    const declare = () => this.declare(topology, timeoutMs - SWEEPS_MS)
    const prepare = (id: string) => (topology.has(this.layout.kind) ? this.#frame(id, horizon.name) : declare())
    return this.#write(horizon, body, { stream: this.layout.stream(horizon), prepare, safeAt }, timeoutMs)
  }

  /** Once more if the stream was lost, or away. */
  async #write(horizon: Horizon, body: Buffer, plan: RecordPlan, timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    const leftMs = () => endsAt - performance.now()
    try {
      await this.#send(body, plan, timeoutMs)
    } catch (error) {
      this.#taking.delete(horizon)
      await endsWithin(this.#comesBack(horizon, error, leftMs()), leftMs())
      await this.#send(body, plan, leftMs())
    }
    this.#taking.add(horizon)
  }

  /** @throws the error itself unless the stream that did not take a record may take it now */
  async #comesBack(horizon: Horizon, error: unknown, awayMs: number): Promise<void> {
    const isReturned = isDuequeError(error, 'TOPOLOGY_MISSING') && error.data.resource === this.layout.exchange
    if (!isReturned) return this.#lost.recover(horizon, error)
    // Where nothing is declared. RabbitMQ 3.10 returns records for a stream that is away.
    const declarer = this.#broker.topology.newDeclarer(awayMs)
    const isThere = await declarer.exists('queue', this.layout.stream(horizon)).catch(() => false)
    declarer.close()
    if (!isThere) throw error
  }

  /** Records of many callers travel together: in the context of none. */
  #send(body: Buffer, plan: RecordPlan, timeoutMs: number): Promise<void> {
    const message = { id: crypto.randomUUID(), revision: undefined, body }
    const ofMessage = { ...plan, prepare: () => plan.prepare(message.id) }
    return inNoContext(() => this.#broker.publish(message, ofMessage, { timeoutMs }))
  }

  #frame(messageId: string, routingKey: string): Frame {
    const options = {
      messageId,
      contentType: 'application/x-ndjson',
      timestamp: Math.floor(this.#clock.now() / 1000),
      deliveryMode: 2,
      mandatory: true,
    }
    return { exchange: this.layout.exchange, routingKey, options }
  }
}

/** A {@link PublishPlan} for each id of a message. */
interface RecordPlan extends Pick<PublishPlan, 'safeAt' | 'stream'> {
  prepare(id: string): Frame | Promise<void>
}
