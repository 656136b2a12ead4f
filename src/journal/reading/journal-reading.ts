import { openStream, type StreamRecord } from '../../amqp/receive/stream.js'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import { endsWithin, TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import { decodeRecords } from '../../cancellation/record.js'
import type { CancellationRecord } from '../../cancellation/cancellation-record.js'
import { CLOCKS_DIFFER_MS, HORIZONS } from '../../log/horizons.js'
import { readLines } from '../../log/lines.js'
import { cancellationLayout, journalLayout } from '../../log/log-layout.js'
import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { decodeRecord, type JournalRecord, type Place } from '../journal-record.js'
import type { JournalSource } from './journal-source.js'
import { ReadStream } from './read-stream.js'
import { noJournal, unread } from './unread.js'

const SILENT_MS = 30_000
/** How long after it was at the end a reader is trusted: one whose replica was deleted hangs in silence. */
const SURE_MS = 10_000
/** For an answer of the broker. */
const ANSWER_MS = 2000

/** Takes what is read. Records come in no order, and may come again. What it throws makes a line unreadable. */
export interface JournalIntake {
  take(record: JournalRecord, place: Place): void
  /** @param writtenAt milliseconds since the epoch */
  cancel(record: CancellationRecord, writtenAt: number): void
}

/**
 * Called again and again: how many records were read, and about how many there are in all, which may not be known yet.
 */
export type OnRecords = (read: number, whole: number | undefined) => void

export interface ReadingSettings {
  source: JournalSource
  connection: AmqpConnection
  intake: JournalIntake
  onRecords?: OnRecords | undefined
  /**
   * Whether it goes on for long: a stream that cannot be read for now is tried again. Otherwise that ends it.
   * @default false
   */
  isLasting?: boolean | undefined
  /** Ends it: what is under way fails with `CLOSED`. */
  closing: AbortSignal
}

/** The streams of the journal and of the cancellations of a namespace, as they are read. */
export class JournalReading {
  readonly #settings: ReadingSettings
  readonly #closing = new AbortController()
  readonly #streams: readonly ReadStream[]
  #failure: DuequeError | undefined
  #isDeleted = false
  /** By `performance.now()`: when it was last at the end, and when a reader last lost its place. */
  #reachedAt = -Infinity
  #lostAt = -Infinity

  /**
   * Starts to read all streams from the first record on that may concern a waiting message.
   *
   * @throws DuequeError `TOPOLOGY_MISSING` if there is no journal, `JOURNAL_UNREAD`, `PERMISSION_DENIED`, `UNSUPPORTED`,
   * `CLOSED`
   */
  static async open(settings: ReadingSettings): Promise<JournalReading> {
    const reading = new JournalReading(settings)
    try {
      await Promise.all(reading.#streams.map((stream) => reading.#open(stream)))
      reading.#assertJournal()
      return reading
    } catch (error) {
      await reading.close()
      throw reading.#failed(error)
    }
  }

  private constructor(settings: ReadingSettings) {
    this.#settings = settings
    const { names } = settings.source
    // Places count the streams of each log.
    this.#streams = [journalLayout(names), cancellationLayout(names)].flatMap((layout) =>
      HORIZONS.map((horizon, number) => new ReadStream(layout.kind, horizon, number, layout.stream(horizon))),
    )
  }

  /**
   * Resolves when every record was read that was there at the time of the call.
   *
   * @throws DuequeError `JOURNAL_UNREAD` if a stream sends nothing for 30 s before its end, `CLOSED`
   */
  async reached(): Promise<void> {
    try {
      await Promise.all(this.#streams.map((stream) => stream.reached(this.#silentMs)))
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /**
   * As {@link reached}, for one round trip if that was known a moment ago: the broker answers behind the records that it has
   * sent, and it sends a record as early as it confirms it.
   */
  async current(): Promise<void> {
    if (this.#reachedAt > Math.max(this.#lostAt, performance.now() - SURE_MS) && (await this.#answered())) return
    const startedAt = performance.now()
    await this.reached()
    this.#reachedAt = startedAt
  }

  /**
   * Whether a stream of the journal was deleted, so that entries which were read are gone. It may have been declared anew.
   * Known once {@link reached} has resolved.
   */
  get isGone(): boolean {
    return this.#isDeleted || this.#streams.some(({ kind, last, most }) => kind === 'journal' && last < most)
  }

  /** Whether a reader has lost its place, and has not come back to it. */
  get isBehind(): boolean {
    return this.#streams.some(({ last, most }) => last < most)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#streams.map(async ({ reader }) => reader?.close()))
  }

  get #silentMs(): number {
    return this.#settings.source.silentMs ?? SILENT_MS
  }

  async #answered(): Promise<boolean> {
    const answers = Promise.all(this.#streams.map(async ({ reader }) => reader?.answered() ?? true))
    const isInTime = await endsWithin(answers, ANSWER_MS)
    return isInTime && (await answers).every(Boolean)
  }

  async #open(stream: ReadStream): Promise<void> {
    const { source, connection, closing } = this.#settings
    const { kind, horizon, name } = stream
    const keptMs = kind === 'journal' ? horizon.ms : horizon.ms + source.graceMs
    try {
      const opening = openStream({
        connection,
        queue: name,
        from: source.now() - keptMs - CLOCKS_DIFFER_MS,
        prepare: source.declare && (() => source.declare!(kind)),
        deleted: () => this.#deleted(stream),
        onRecord: (record) => this.#read(stream, record),
        onError: (error) => this.#unread(stream, error),
        onLost: () => this.#lost(stream),
        closing: AbortSignal.any([closing, this.#closing.signal]),
        logger: source.logger,
      })
      stream.reader = await withTimeLimit(opening, this.#silentMs)
    } catch (error) {
      if (isDuequeError(error, 'DESTINATION_MISSING')) return
      throw error === TIMED_OUT ? stream.silent('could not be opened', this.#silentMs) : error
    }
  }

  #lost(stream: ReadStream): void {
    stream.last = -1
    this.#lostAt = performance.now()
  }

  #read(stream: ReadStream, { body, offset, writtenAt }: StreamRecord): void {
    const { source, intake, onRecords } = this.#settings
    const skipped = (error: Error) => this.#skipped(error, stream.name, offset)
    stream.messages++
    stream.last = offset
    stream.most = Math.max(stream.most, offset)
    if (stream.kind === 'journal') {
      const take = (line: string, place: number) => {
        stream.records++
        intake.take(decodeRecord(line), { stream: stream.number, offset, line: place })
      }
      readLines(body, take, skipped)
    } else
      for (const record of decodeRecords(body, skipped)) {
        stream.records++
        intake.cancel(record, writtenAt ?? source.now())
      }
    onRecords?.(...this.#progress())
  }

  /** How many messages are still to come is known, and that each holds about as many records. */
  #progress(): [read: number, whole: number | undefined] {
    let [records, messages, lag] = [0, 0, 0]
    for (const { reader, ...read } of this.#streams) {
      records += read.records
      messages += read.messages
      lag += reader ? (reader.lag ?? NaN) : 0
    }
    const whole = Math.round((records * (messages + lag)) / messages)
    return [records, Number.isNaN(whole) ? undefined : whole]
  }

  #skipped(error: Error, stream: string, offset: number): void {
    const { logger, isNews } = this.#settings.source
    if (isNews('unreadable'))
      logger.warn('a record of the journal could not be read: skipped, as others may be', {
        stream,
        offset,
        error: errorText(error),
      })
  }

  /** The stream is tried again. A question does not wait for a replica. */
  #unread(stream: ReadStream, error: DuequeError): void {
    stream.failure = error
    const isWithoutReplica = isDuequeError(error, 'BROKER_ERROR') && error.data.replyCode === 406
    if (!isWithoutReplica || (this.#settings.isLasting && stream.reader)) return
    this.#failure ??= error
    this.#closing.abort()
  }

  /** @param most the greatest offset that was read of it */
  #deleted({ kind, most }: ReadStream): void {
    this.#isDeleted ||= kind === 'journal' && most >= 0
    this.#settings.source.deleted?.()
  }

  #assertJournal(): void {
    const missing = this.#streams.filter(({ reader }) => !reader).map(({ name }) => name)
    const { logger, names } = this.#settings.source
    if (this.#streams.every(({ kind, reader }) => kind !== 'journal' || !reader))
      throw noJournal(names.namespace, missing[0]!)
    if (missing.some((name) => name.startsWith(journalLayout(names).exchange)))
      logger.warn('streams of the journal are missing: messages may not be shown', { missing })
  }

  #failed(error: unknown): unknown {
    const { source, closing } = this.#settings
    return closing.aborted ? error : unread(source.names.namespace, this.#failure ?? error)
  }
}
