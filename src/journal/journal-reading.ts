import { openStream, type StreamReader, type StreamRecord } from '../amqp/receive/stream.js'
import { DuequeError, errorText, isDuequeError } from '../base/errors.js'
import { endsWithin, TIMED_OUT, withTimeLimit } from '../base/time-limit.js'
import { decodeRecords } from '../cancellation/record.js'
import type { CancellationRecord } from '../cancellation/cancellation-record.js'
import { HORIZONS, type Horizon } from '../log/horizons.js'
import { readLines } from '../log/lines.js'
import { cancellationLayout, journalLayout, type LogKind } from '../log/log-layout.js'
import type { AmqpConnection } from '../amqp/connection/connection.js'
import { decodeRecord, type JournalRecord } from './journal-record.js'
import type { JournalSource } from './journal-source.js'
import { unread } from './unread.js'
import type { Place } from './place.js'

const SILENT_MS = 30_000
/** How far the clocks of writers, of the broker and of this host may differ. */
const CLOCKS_DIFFER_MS = 60_000

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
  #unreadable = 0
  #failure: DuequeError | undefined
  #isDeleted = false

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
   * Whether a stream of the journal was deleted, so that entries which were read are gone. It may have been declared anew.
   * Known once {@link reached} has resolved.
   */
  get isGone(): boolean {
    return this.#isDeleted || this.#streams.some(({ kind, last, most }) => kind === 'journal' && last < most)
  }

  /** Records of this process that could not be read. */
  get unreadable(): number {
    return this.#unreadable
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#streams.map(async ({ reader }) => reader?.close()))
  }

  get #silentMs(): number {
    return this.#settings.source.silentMs ?? SILENT_MS
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
        onError: (error) => this.#fail(error, this.#settings.isLasting),
        onLost: () => (stream.last = -1),
        closing: AbortSignal.any([closing, this.#closing.signal]),
        logger: source.logger,
      })
      stream.reader = await withTimeLimit(opening, this.#silentMs)
    } catch (error) {
      if (isDuequeError(error, 'DESTINATION_MISSING')) return
      const failure = error === TIMED_OUT ? silent(`${name} could not be opened`, this.#silentMs) : error
      this.#fail(failure)
      throw failure
    }
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
    this.#unreadable++
    if (isNews('unreadable'))
      logger.warn('a record of the journal could not be read: skipped, as others may be', {
        stream,
        offset,
        error: errorText(error),
      })
  }

  #fail(error: unknown, goesOn = false): void {
    if (goesOn) this.#failure = error as DuequeError
    else this.#failure ??= error as DuequeError
    if (!goesOn) this.#closing.abort()
  }

  #deleted({ kind }: ReadStream): void {
    this.#isDeleted ||= kind === 'journal'
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

  /** The reason, where `error` is what followed from it. */
  #failed(error: unknown): unknown {
    return unread(this.#settings.source.names.namespace, this.#failure ?? error)
  }
}

class ReadStream {
  /** Undefined if there is no such stream. */
  reader: StreamReader | undefined
  messages = 0
  records = 0
  /** The offset of the last record since the reader has lost its place; of all, the greatest. */
  last = -1
  most = -1

  constructor(
    readonly kind: LogKind,
    readonly horizon: Horizon,
    readonly number: number,
    readonly name: string,
  ) {}

  /** However long the stream is: as long as it comes. */
  async reached(silentMs: number): Promise<void> {
    const reached = this.reader?.reached()
    if (!reached) return
    for (let before = -1; before !== this.messages;) {
      before = this.messages
      if (await endsWithin(reached, silentMs)) return
    }
    throw silent(`${this.name} sent nothing before its end`, silentMs)
  }
}

function silent(what: string, ms: number): DuequeError<'BROKER_ERROR'> {
  return new DuequeError('BROKER_ERROR', `${what} for ${ms / 1000} s`, { replyCode: undefined })
}

function noJournal(namespace: string, resource: string): DuequeError<'TOPOLOGY_MISSING'> {
  const todo = 'Schedule with ladder({ journal: true }), or declare it: dueque topology apply --journal'
  const message = `the namespace ${namespace} has no journal of waiting messages: ${resource} is missing. ${todo}`
  return new DuequeError('TOPOLOGY_MISSING', message, { resource })
}
