import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { openStream, type StreamReader, type StreamRecord } from '../../amqp/receive/stream.js'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { endsWithin } from '../../base/time-limit.js'
import { UNKNOWN_DUE, type Horizon } from '../../log/horizons.js'
import { decodeRecords } from '../../cancellation/record.js'

/** Without another record for so long, a stream is given up. */
const SILENT_MS = 30_000
/** How far the clocks of writers and of this host may differ. */
const CLOCKS_DIFFER_MS = 60_000

/** A cancellation stream, with the horizon of its records. */
export interface CountedStream {
  name: string
  horizon: Horizon
}

/** Counts the live records of cancellation streams: those of messages that are not due yet. */
export class LiveRecords {
  readonly #counts: ReadonlyMap<string, LiveCount>

  private constructor(counts: ReadonlyMap<string, LiveCount>) {
    this.#counts = counts
  }

  /** Starts to read. @throws DuequeError `PERMISSION_DENIED`, `DESTINATION_MISSING` */
  static async open(
    connection: AmqpConnection,
    streams: readonly CountedStream[],
    logger: Logger,
  ): Promise<LiveRecords> {
    const counts = new Map(streams.map((stream) => [stream.name, new LiveCount(stream)]))
    const records = new LiveRecords(counts)
    const opened = await Promise.allSettled([...counts.values()].map((count) => count.open(connection, logger)))
    const failed = opened.find((one) => one.status === 'rejected')
    if (!failed) return records
    await records.close()
    throw failed.reason
  }

  /** The live records of every stream that has some. @throws DuequeError `CANCELLATIONS_UNREAD` */
  async all(): Promise<{ name: string; records: number }[]> {
    const all = [...this.#counts].map(async ([name, count]) => ({ name, records: await count.upToNow() }))
    return (await Promise.all(all)).filter(({ records }) => records > 0)
  }

  /**
   * The live records of one stream up to this moment, after which it is not read any more. Undefined for any other queue.
   *
   * @throws DuequeError `CANCELLATIONS_UNREAD`
   */
  async last(name: string): Promise<number | undefined> {
    const count = this.#counts.get(name)
    try {
      return await count?.upToNow()
    } finally {
      await count?.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#counts.values()].map((count) => count.close()))
  }
}

class LiveCount {
  readonly #stream: CountedStream
  readonly #startedAt = Date.now()
  #reader: StreamReader | undefined
  /** Of the last record: after a lost connection records come again. */
  #offset = -1
  #live = 0
  #failure: DuequeError | undefined

  constructor(stream: CountedStream) {
    this.#stream = stream
  }

  async open(connection: AmqpConnection, logger: Logger): Promise<void> {
    const { name: queue, horizon } = this.#stream
    this.#reader = await openStream({
      connection,
      queue,
      from: this.#startedAt - horizon.ms - CLOCKS_DIFFER_MS,
      onRecord: (record) => this.#read(record),
      onError: (error) => (this.#failure = error),
      logger,
    })
  }

  async upToNow(): Promise<number> {
    const reached = this.#reader!.reached()
    // However long a stream is: as long as it comes.
    for (let before: number | undefined; before !== this.#offset;) {
      before = this.#offset
      if (await endsWithin(reached, SILENT_MS)) return this.#live
    }
    throw this.#unread()
  }

  close(): Promise<void> {
    return this.#reader?.close() ?? Promise.resolve()
  }

  #read({ body, offset, writtenAt = this.#startedAt }: StreamRecord): void {
    if (offset <= this.#offset) return
    this.#offset = offset
    // An unreadable record cancels nothing.
    for (const { due = writtenAt + UNKNOWN_DUE.ms } of decodeRecords(body, () => undefined))
      if (due > this.#startedAt) this.#live++
  }

  #unread(): DuequeError {
    const why = this.#failure ? `: ${errorText(this.#failure)}` : ''
    const message = `the cancellations in ${this.#stream.name} could not be read for ${SILENT_MS / 1000} s${why}`
    return new DuequeError('CANCELLATIONS_UNREAD', message, {}, { cause: this.#failure })
  }
}
