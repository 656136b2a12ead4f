import { nextTick } from 'node:process'
import { Fifo } from '../base/fifo.js'
import { DuequeError, isDuequeError } from '../base/errors.js'
import type { Horizon } from './horizons.js'
import { RecordBatch, type RecordWriter } from './record-batch.js'

/** Bytes of records that travel in one publish at most. A larger record travels alone. */
const MOST_BYTES = 256 * 1024
/** Of the memory of a batch at first. Small, because most batches of a quiet program hold one record. */
const FIRST_BYTES = 1024

export interface BatchLimits {
  /** Records that travel in one publish at most. */
  records: number
  /** With fewer publishes on the way, the records of one turn of the event loop are sent at its end. With more, they gather. */
  publishes: number
}

const LIMITS: BatchLimits = { records: 64, publishes: 4 }

/** Publishes records that were joined. @param timeoutMs after which it must fail */
export type PublishRecords = (horizon: Horizon, body: Buffer, timeoutMs: number) => Promise<void>

/**
 * Joins records for their publish. Those of one turn of the event loop go out together while few publishes are on their way.
 * Without a timer, later ones gather as long as the broker needs to confirm the earlier ones.
 */
export class RecordBatches {
  readonly #publish: PublishRecords
  readonly #timeoutMs: number
  readonly #limits: BatchLimits
  readonly #gathered = new Map<Horizon, Fifo<RecordBatch>>()
  /** The one of each horizon that takes more records. */
  readonly #open = new Map<Horizon, RecordBatch>()
  readonly #underWay = new Set<Promise<void>>()
  /** Of confirmed batches: to allocate it for each would cost as much as everything else about a batch. */
  readonly #memory: Buffer[] = []
  #endOfTurn: Promise<void> | undefined

  /** @param timeoutMs a record that is not confirmed for so long fails */
  constructor(publish: PublishRecords, timeoutMs: number, limits = LIMITS) {
    this.#publish = publish
    this.#timeoutMs = timeoutMs
    this.#limits = limits
  }

  /**
   * @param writer hears whether the record is confirmed
   * @param bytes of the line
   */
  write(horizon: Horizon, line: string, writer: RecordWriter, bytes = Buffer.byteLength(line)): void {
    this.#batchFor(horizon, bytes).add(line, bytes, writer)
    this.#endOfTurn ??= this.#pumpLater()
  }

  /** Resolves when no record is on its way any more. */
  async settled(): Promise<void> {
    await this.#endOfTurn
    while (this.#underWay.size > 0) await Promise.race(this.#underWay)
  }

  /** Records of about the same age travel together: all of them fail with the oldest. */
  #batchFor(horizon: Horizon, bytes: number): RecordBatch {
    const now = performance.now()
    const open = this.#open.get(horizon)
    if (open && open.length < this.#limits.records && open.byteLength + 1 + bytes <= MOST_BYTES)
      if (now <= open.startedAt + this.#timeoutMs / 10) return open
    const batch = new RecordBatch(now, this.#memory.pop() ?? Buffer.allocUnsafeSlow(FIRST_BYTES))
    const batches = this.#gathered.get(horizon) ?? new Fifo<RecordBatch>()
    batches.push(batch)
    this.#gathered.set(horizon, batches)
    this.#open.set(horizon, batch)
    return batch
  }

  /** In the same turn: the records go out in one write with their messages. */
  #pumpLater(): Promise<void> {
    return new Promise((resolve) => {
      nextTick(() => {
        this.#endOfTurn = undefined
        this.#pump()
        resolve()
      })
    })
  }

  /** The horizons take turns. */
  #pump(): void {
    for (const [horizon, batches] of this.#gathered) {
      if (this.#underWay.size >= this.#limits.publishes) return
      const batch = batches.shift()!
      this.#gathered.delete(horizon)
      if (batches.length > 0) this.#gathered.set(horizon, batches)
      else this.#open.delete(horizon)
      const sending: Promise<void> = this.#send(horizon, batch).then((isConfirmed) => {
        this.#underWay.delete(sending)
        // Otherwise it may still be on its way into the socket.
        if (isConfirmed) this.#keep(batch.memory)
        this.#pump()
      })
      this.#underWay.add(sending)
    }
  }

  #keep(memory: Buffer): void {
    if (this.#memory.length < this.#limits.publishes && memory.length <= 2 * MOST_BYTES) this.#memory.push(memory)
  }

  /** Never rejects. @returns whether the broker has confirmed the batch as a whole */
  async #send(horizon: Horizon, batch: RecordBatch): Promise<boolean> {
    const failure = await this.#publishBatch(horizon, batch).catch((error: unknown) => error)
    if (batch.length === 1 || !isDuequeError(failure, 'BODY_TOO_LARGE')) {
      batch.recorded(failure)
      return failure === undefined
    }
    // Only a record that is too large alone fails.
    for (const half of batch.halves()) await this.#send(horizon, half)
    return false
  }

  #publishBatch(horizon: Horizon, { startedAt, body }: RecordBatch): Promise<unknown> {
    const waitedMs = performance.now() - startedAt
    if (waitedMs >= this.#timeoutMs) return Promise.reject(notSent(Math.round(waitedMs)))
    return this.#publish(horizon, body, this.#timeoutMs - waitedMs)
  }
}

function notSent(waitedMs: number): DuequeError<'PUBLISH_TIMEOUT'> {
  const message = `a record was not sent within ${waitedMs} ms: the broker did not confirm earlier ones`
  return new DuequeError('PUBLISH_TIMEOUT', message, { waitedMs })
}
