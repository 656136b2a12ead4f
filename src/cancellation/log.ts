import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { Frame } from '../amqp/publish/frame-builder.js'
import type { PublishPlan } from '../amqp/publish/publication.js'
import type { Topology } from '../amqp/topology/topology.js'
import { DuequeError } from '../base/errors.js'
import type { Timeline } from '../base/clock.js'
import { CancellationLayout } from './cancellation-layout.js'
import { HORIZONS, horizonFor, type Horizon } from './horizons.js'
import { encodeRecord, joinRecords, type CancellationRecord } from './record.js'

/** Records that travel in one publish at most, and their bytes. */
const MOST_RECORDS = 64
const MOST_BYTES = 64 * 1024
/** With fewer publishes on the way, a record is sent at once. With more, records gather. */
const SENT_AT_ONCE = 4
/** The topology remembers the exchange and the streams by this key. */
const KEY = 'cancellations'

interface Entry {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Writes records into the cancellation streams of a namespace. Declares the streams when they are first needed. */
export class CancellationLog {
  readonly layout: CancellationLayout
  readonly #broker: AmqpBroker
  readonly #clock: Timeline
  readonly #gathered = new Map<Horizon, Entry[]>()
  #underWay = 0

  constructor(broker: AmqpBroker, clock: Timeline) {
    this.layout = new CancellationLayout(broker.names)
    this.#broker = broker
    this.#clock = clock
  }

  /** Resolves when the record is confirmed. Gathers records while several publishes are on their way. */
  write(record: CancellationRecord): Promise<void> {
    const horizon = horizonFor(record.due, this.#clock.now())
    return new Promise((resolve, reject) => {
      const entries = this.#gathered.get(horizon) ?? []
      this.#gathered.set(horizon, entries)
      entries.push({ line: encodeRecord(record), resolve, reject })
      this.#pump()
    })
  }

  /**
   * Declares the exchange and the streams on the connection of `topology`. An empty stream gets a first record without
   * content, so that a reader at its end finds something.
   *
   * @throws DuequeError `UNSUPPORTED` on a broker without streams, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`
   */
  declare(topology: Topology): Promise<void> {
    return topology.ensure(KEY, async () => {
      for (const part of this.layout.parts()) await topology.declarer.declare(part)
      for (const horizon of HORIZONS) {
        const count = await topology.declarer.count(this.layout.stream(horizon))
        // Nobody waits for it: RabbitMQ may take no messages for now.
        if (count === 0) this.#publish(horizon, Buffer.alloc(0)).catch(() => undefined)
      }
    })
  }

  #pump(): void {
    for (const [horizon, entries] of this.#gathered) {
      if (this.#underWay >= SENT_AT_ONCE) return
      this.#gathered.delete(horizon)
      const batch = takeBatch(entries)
      if (entries.length > 0) this.#gathered.set(horizon, entries)
      void this.#send(horizon, batch)
    }
  }

  async #send(horizon: Horizon, batch: readonly Entry[]): Promise<void> {
    this.#underWay++
    try {
      await this.#publish(horizon, joinRecords(batch.map(({ line }) => line)))
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#underWay--
      this.#pump()
    }
  }

  #publish({ name }: Horizon, body: Buffer): Promise<void> {
    const message = { id: crypto.randomUUID(), revision: undefined, body }
    const { topology } = this.#broker
    const plan: PublishPlan = {
      prepare: () => (topology.has(KEY) ? this.#frame(message.id, name) : this.declare(topology)),
      safeAt: () => 0,
    }
    return this.#broker.publish(message, plan, {})
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

function takeBatch(entries: Entry[]): Entry[] {
  let bytes = 0
  const end = entries.findIndex(({ line }, i) => i === MOST_RECORDS || (i > 0 && (bytes += line.length) > MOST_BYTES))
  return entries.splice(0, end < 0 ? entries.length : end)
}

/** The facet of a strategy that writes to the log of its broker. */
export function cancellationFacet(name: string, log: () => CancellationLog | undefined) {
  return {
    write: (record: CancellationRecord): Promise<void> =>
      log()?.write(record) ?? Promise.reject(new DuequeError('CLOSED', `the strategy ${name} is not started`, {})),
  }
}
