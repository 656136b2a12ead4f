import { AsyncResource } from 'node:async_hooks'
import { Fifo } from '../base/fifo.js'
import { DuequeError, isDuequeError } from '../base/errors.js'
import type { Horizon } from './horizons.js'
import { joinLines } from './lines.js'

/** Records that travel in one publish at most, and their bytes. A larger record travels alone. */
const MOST_RECORDS = 64
const MOST_BYTES = 256 * 1024
/** With fewer publishes on the way, the records of one turn of the event loop are sent at its end. With more, they gather. */
const SENT_AT_ONCE = 4

/** Publishes records that were joined. @param timeoutMs after which it must fail */
export type PublishRecords = (horizon: Horizon, body: Buffer, timeoutMs: number) => Promise<void>

interface Entry {
  readonly line: string
  readonly bytes: number
  /** By `performance.now()`. */
  readonly writtenAt: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Joins records for their publish. Those of one turn of the event loop go out together while few publishes are on their way.
 * Without a timer, later ones gather as long as the broker needs to confirm the earlier ones.
 */
export class RecordBatches {
  readonly #publish: PublishRecords
  readonly #timeoutMs: number
  readonly #gathered = new Map<Horizon, Fifo<Entry>>()
  readonly #underWay = new Set<Promise<void>>()
  /** Records of many callers travel together: in the context of none. */
  readonly #context = new AsyncResource('dueque.records')
  #endOfTurn: Promise<void> | undefined

  /** @param timeoutMs a record that is not confirmed for so long fails */
  constructor(publish: PublishRecords, timeoutMs: number) {
    this.#publish = publish
    this.#timeoutMs = timeoutMs
  }

  /** Resolves when the record is confirmed. Rejects with an error whose `outcome` is that of this record. */
  write(horizon: Horizon, line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const entries = this.#gathered.get(horizon) ?? new Fifo<Entry>()
      this.#gathered.set(horizon, entries)
      // With its line end.
      const bytes = Buffer.byteLength(line) + 1
      entries.push({ line, bytes, writtenAt: performance.now(), resolve, reject })
      this.#endOfTurn ??= this.#pumpLater()
    })
  }

  /** Resolves when no record is on its way any more. */
  async settled(): Promise<void> {
    await this.#endOfTurn
    while (this.#underWay.size > 0) await Promise.race(this.#underWay)
  }

  #pumpLater(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#endOfTurn = undefined
        this.#context.runInAsyncScope(this.#pump, this)
        resolve()
      })
    })
  }

  /** The horizons take turns. */
  #pump(): void {
    for (const [horizon, entries] of this.#gathered) {
      if (this.#underWay.size >= SENT_AT_ONCE) return
      this.#gathered.delete(horizon)
      const batch = this.#take(entries)
      if (entries.length > 0) this.#gathered.set(horizon, entries)
      const sending: Promise<void> = this.#send(horizon, batch).finally(() => {
        this.#underWay.delete(sending)
        this.#pump()
      })
      this.#underWay.add(sending)
    }
  }

  /** Entries of about the same age: all of them fail with the oldest. */
  #take(entries: Fifo<Entry>): Entry[] {
    const { writtenAt } = entries.first!
    const batch: Entry[] = []
    for (let bytes = 0; batch.length < MOST_RECORDS;) {
      const next = entries.first
      if (!next || next.writtenAt > writtenAt + this.#timeoutMs / 10) break
      bytes += next.bytes
      if (batch.length > 0 && bytes > MOST_BYTES) break
      batch.push(entries.shift()!)
    }
    return batch
  }

  /** Never rejects. */
  async #send(horizon: Horizon, batch: readonly Entry[]): Promise<void> {
    try {
      const waitedMs = performance.now() - batch[0]!.writtenAt
      if (waitedMs >= this.#timeoutMs) throw notSent(Math.round(waitedMs))
      await this.#publish(horizon, joinLines(batch.map(({ line }) => line)), this.#timeoutMs - waitedMs)
      for (const { resolve } of batch) resolve()
    } catch (error) {
      if (batch.length > 1 && isTooLarge(error)) return this.#sendHalves(horizon, batch)
      for (const { reject } of batch) reject(error)
    }
  }

  /** Only a record that is too large alone fails. */
  async #sendHalves(horizon: Horizon, batch: readonly Entry[]): Promise<void> {
    const half = Math.ceil(batch.length / 2)
    await this.#send(horizon, batch.slice(0, half))
    await this.#send(horizon, batch.slice(half))
  }
}

function isTooLarge(error: unknown): boolean {
  return isDuequeError(error, 'BODY_TOO_LARGE')
}

function notSent(waitedMs: number): DuequeError<'PUBLISH_TIMEOUT'> {
  const message = `a record was not sent within ${waitedMs} ms: the broker did not confirm earlier ones`
  return new DuequeError('PUBLISH_TIMEOUT', message, { waitedMs })
}
