import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { openStream, type StreamReader, type StreamRecord } from '../../amqp/receive/stream.js'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { endsWithin } from '../../base/time-limit.js'
import { decodeRecords } from '../../cancellation/record.js'
import { decodeRecord } from '../../journal/journal-record.js'
import { CLOCKS_DIFFER_MS, UNKNOWN_DUE, type Horizon } from '../../log/horizons.js'
import { readLines } from '../../log/lines.js'
import type { LogKind } from '../../log/log-layout.js'
import { readyAt } from '../../message/delayed-message.js'

/** Without another record for so long, a stream is given up. */
const SILENT_MS = 30_000

/** A stream of a log, with the horizon of its records. */
export interface CountedStream {
  name: string
  horizon: Horizon
  log: LogKind
}

/** The live records of one stream. */
interface Live {
  name: string
  messages: number
  what: LogKind
}

/** Counts the live records of streams: cancellations, or entries of the journal, of messages that are not due yet. */
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

  /** The live records of every stream that has some. @throws DuequeError `CANCELLATIONS_UNREAD`, `JOURNAL_UNREAD` */
  async all(): Promise<Live[]> {
    const all = await Promise.all([...this.#counts.values()].map((count) => count.upToNow()))
    return all.filter(({ messages }) => messages > 0)
  }

  /**
   * The live records of one stream up to this moment, after which it is not read any more. Undefined for any other queue.
   *
   * @throws DuequeError `CANCELLATIONS_UNREAD`, `JOURNAL_UNREAD`
   */
  async last(name: string): Promise<Live | undefined> {
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

  async upToNow(): Promise<Live> {
    const { name, log: what } = this.#stream
    const reached = this.#reader!.reached()
    // However long a stream is: as long as it comes.
    for (let before: number | undefined; before !== this.#offset;) {
      before = this.#offset
      if (await endsWithin(reached, SILENT_MS)) return { name, messages: this.#live, what }
    }
    throw this.#unread()
  }

  close(): Promise<void> {
    return this.#reader?.close() ?? Promise.resolve()
  }

  #read({ body, offset, writtenAt = this.#startedAt }: StreamRecord): void {
    if (offset <= this.#offset) return
    this.#offset = offset
    for (const due of DUE_TIMES[this.#stream.log](body, writtenAt)) if (due > this.#startedAt) this.#live++
  }

  #unread(): DuequeError {
    const { name, log } = this.#stream
    const why = this.#failure ? `: ${errorText(this.#failure)}` : ''
    const message = `the records in ${name} could not be read for ${SILENT_MS / 1000} s${why}`
    const code = log === 'journal' ? 'JOURNAL_UNREAD' : 'CANCELLATIONS_UNREAD'
    return new DuequeError(code, message, {}, { cause: this.#failure })
  }
}

/** When the messages of one stream message's records are due. Unreadable records count for nothing. */
const DUE_TIMES: Readonly<Record<LogKind, (body: Uint8Array, writtenAt: number) => number[]>> = {
  cancellations: (body, writtenAt) =>
    decodeRecords(body, () => undefined).map(({ due = writtenAt + UNKNOWN_DUE.ms }) => due),
  journal: readyTimes,
}

function readyTimes(body: Uint8Array): number[] {
  const times: number[] = []
  const read = (line: string) => {
    const record = decodeRecord(line)
    if (record.refused === undefined) times.push(readyAt(record.message))
  }
  readLines(body, read, () => undefined)
  return times
}
