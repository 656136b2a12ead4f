import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { openStream, type StreamReader, type StreamRecord } from '../../amqp/receive/stream.js'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { decodeRecords } from '../../cancellation/record.js'
import { decodeRecord } from '../../journal/journal-record.js'
import { CLOCKS_DIFFER_MS, UNKNOWN_DUE, type Horizon } from '../../log/horizons.js'
import { readLines } from '../../log/lines.js'
import { reachesEnd } from '../../log/reaches-end.js'
import type { LogKind, MessageLogKind } from '../../log/log-layout.js'
import { readyAt } from '../../message/delayed-message.js'
import { decodeDefinitionLine } from '../../strategies/definitions/definition-line.js'
import { DefinitionTable } from '../../strategies/definitions/definition-table.js'

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

/**
 * Counts the live records of streams: cancellations, or entries of the journal, of messages that are not due yet; and definitions of
 * recurring messages.
 */
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

  /** The live records of every stream that has some. @throws DuequeError `CANCELLATIONS_UNREAD`, `JOURNAL_UNREAD`, `RECURRING_UNREAD` */
  async all(): Promise<Live[]> {
    const all = await Promise.all([...this.#counts.values()].map((count) => count.upToNow()))
    return all.filter(({ messages }) => messages > 0)
  }

  /**
   * The live records of one stream up to this moment, after which it is not read any more. Undefined for any other queue.
   *
   * @throws DuequeError `CANCELLATIONS_UNREAD`, `JOURNAL_UNREAD`, `RECURRING_UNREAD`
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
  readonly #tally: Tally
  #failure: DuequeError | undefined

  constructor(stream: CountedStream) {
    this.#stream = stream
    this.#tally = tallyOf(stream.log)
  }

  async open(connection: AmqpConnection, logger: Logger): Promise<void> {
    const { name: queue, horizon, log } = this.#stream
    this.#reader = await openStream({
      connection,
      queue,
      from: log === 'recurring' ? 0 : this.#startedAt - horizon.ms - CLOCKS_DIFFER_MS,
      onRecord: (record) => this.#read(record),
      onError: (error) => (this.#failure = error),
      logger,
    })
  }

  async upToNow(): Promise<Live> {
    const { name, log: what } = this.#stream
    if (!(await reachesEnd(this.#reader!, () => this.#offset, SILENT_MS))) throw this.#unread()
    return { name, messages: this.#tally.live, what }
  }

  close(): Promise<void> {
    return this.#reader?.close() ?? Promise.resolve()
  }

  #read({ body, offset, writtenAt = this.#startedAt }: StreamRecord): void {
    if (offset <= this.#offset) return
    this.#offset = offset
    this.#tally.add(body, writtenAt, this.#startedAt)
  }

  #unread(): DuequeError {
    const { name, log } = this.#stream
    const why = this.#failure ? `: ${errorText(this.#failure)}` : ''
    const message = `the records in ${name} could not be read for ${SILENT_MS / 1000} s${why}`
    return new DuequeError(UNREAD[log], message, {}, { cause: this.#failure })
  }
}

const UNREAD = {
  cancellations: 'CANCELLATIONS_UNREAD',
  journal: 'JOURNAL_UNREAD',
  recurring: 'RECURRING_UNREAD',
} as const

/** Counts live records. Unreadable ones count for nothing. */
interface Tally {
  readonly live: number
  /** Takes one message of a stream. */
  add(body: Uint8Array, writtenAt: number, now: number): void
}

function tallyOf(log: LogKind): Tally {
  return log === 'recurring' ? new DefinitionTally() : new DueTally(DUE_TIMES[log])
}

/** Of messages that are not due yet. */
class DueTally implements Tally {
  live = 0
  readonly #dueTimes: DueTimes

  constructor(dueTimes: DueTimes) {
    this.#dueTimes = dueTimes
  }

  add(body: Uint8Array, writtenAt: number, now: number): void {
    for (const due of this.#dueTimes(body, writtenAt)) if (due > now) this.live++
  }
}

class DefinitionTally implements Tally {
  readonly #table = new DefinitionTable()

  get live(): number {
    return this.#table.size
  }

  add(body: Uint8Array, writtenAt: number): void {
    readLines(
      body,
      (line) => this.#table.add(decodeDefinitionLine(line), writtenAt),
      () => undefined,
    )
  }
}

/** When the messages of one stream message's records are due. */
type DueTimes = (body: Uint8Array, writtenAt: number) => number[]

const DUE_TIMES: Readonly<Record<MessageLogKind, DueTimes>> = {
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
