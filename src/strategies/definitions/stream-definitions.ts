import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { StreamReader, StreamRecord } from '../../amqp/receive/stream.js'
import { systemClock, type Timeline } from '../../base/clock.js'
import { errorText, isDuequeError, withOutcome, type DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { SharedWork } from '../../base/shared-work.js'
import { endsWithin } from '../../base/time-limit.js'
import { throttle } from '../../base/throttle.js'
import { DEFINITIONS } from '../../log/horizons.js'
import { readLines } from '../../log/lines.js'
import { recurringLayout } from '../../log/log-layout.js'
import { reachesEnd } from '../../log/reaches-end.js'
import { StreamLog } from '../../log/stream-log.js'
import type {
  DefinitionRecord,
  DefinitionsPage,
  DefinitionsQuery,
  RecurringDefinitions,
} from '../recurring-definitions.js'
import { decodeDefinitionLine, encodeDefinitionLine } from './definition-line.js'
import { DefinitionTable } from './definition-table.js'
import { definitionsFailure } from './definitions-failure.js'
import { OwnRecords, type OwnRecord } from './own-records.js'
import { Renewal } from './renewal.js'
import { definitionsUnread, replayDefinitions, SILENT_MS } from './replay-definitions.js'
import { StreamIdentity } from './stream-identity.js'

/** Definitions that are on their way at once while they are written again. */
const AT_ONCE = 1000
/** A confirmed record comes back within milliseconds. The end of the stream is looked for after so long. */
const COMES_BACK_MS = 2000

export interface StreamDefinitionsSettings {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
}

/**
 * The definitions of a namespace in a stream, which the first question opens: every record is read, and kept in memory for as
 * long as the connection. A stream that is missing has none, and is declared by the first record that is written. The broker
 * forgets a record after 90 days; {@link renew} writes it again before.
 */
export class StreamDefinitions implements RecurringDefinitions {
  readonly #settings: StreamDefinitionsSettings
  readonly #log: StreamLog
  readonly #stream: string
  readonly #table = new DefinitionTable()
  readonly #identity = new StreamIdentity()
  readonly #isNews = throttle(systemClock)
  readonly #proofs = new SharedWork<undefined>(() => this.#prove())
  readonly #looks = new SharedWork<undefined>(() => this.#look())
  readonly #own = new OwnRecords()
  readonly #closing = new AbortController()
  #isFound = false
  #opening: Promise<StreamReader> | undefined
  /** Records that have come, also those that came again. */
  #read = 0
  #failure: DuequeError | undefined

  constructor(settings: StreamDefinitionsSettings) {
    const { broker, clock, logger } = settings
    this.#settings = settings
    this.#log = new StreamLog({ broker, layout: recurringLayout(broker.names), clock, logger })
    this.#stream = this.#log.layout.stream(DEFINITIONS)
  }

  /**
   * The order of the records in the stream tells which one was there before: this process has read up to its own.
   *
   * @throws DuequeError what a publish throws, `UNSUPPORTED`, `TOPOLOGY_MISMATCH`, `TOPOLOGY_MISSING`, `RECURRING_UNREAD`
   */
  async write(record: DefinitionRecord): Promise<DefinitionRecord | undefined> {
    const line = encodeDefinitionLine(record)
    const own = this.#own.expect(line)
    try {
      await this.#publish(line)
      return await this.#before(own)
    } finally {
      this.#own.forget(own)
    }
  }

  /** @throws DuequeError `RECURRING_UNREAD`, and as a consumer of cancellations does */
  async get(id: string, least = Infinity): Promise<DefinitionRecord | undefined> {
    if (!(await this.#isThere())) return undefined
    await this.#reader()
    const known = this.#table.find(id)
    if (known === undefined || known.revision < least) await this.#proofs.do(undefined)
    return this.#table.present(id)
  }

  async page(query: DefinitionsQuery): Promise<DefinitionsPage> {
    if (await this.#isThere()) await this.#proofs.do(undefined)
    return this.#table.page(query)
  }

  async *all(): AsyncGenerator<DefinitionRecord> {
    if (await this.#isThere()) await this.#proofs.do(undefined)
    yield* this.#table.all()
  }

  async renew(lost: (id: string) => void = () => undefined): Promise<void> {
    if (!(await this.#isThere())) return
    const { broker, clock, logger } = this.#settings
    await this.#proofs.do(undefined)
    // One that comes during the replay is not lost.
    const known = [...this.#table.all()]
    const [renewal, comparison] = [new Renewal(), this.#identity.compare()]
    // A replay of many records would hold up the messages of a connection that it shares.
    const connection = await broker.openApart('recurring')
    try {
      const onRecord = (record: DefinitionRecord, at: number) => renewal.add(record, at)
      const onStreamRecord = (record: StreamRecord) => comparison.read(record)
      const reading = { connection, stream: this.#stream, logger, closing: this.#closing.signal }
      await this.#explained(replayDefinitions({ ...reading, onRecord, onStreamRecord }))
    } finally {
      await connection.close()
    }
    // Also if another process has written them again, and before one is written here: whoever goes on with this would not know it.
    if (comparison.isAnother()) for (const { id } of known) lost(id)
    let writing: Promise<void>[] = []
    for (const record of renewal.missing(known, clock.now())) {
      writing.push(this.#publish(encodeDefinitionLine(record)))
      if (writing.length < AT_ONCE) continue
      await Promise.all(writing)
      writing = []
    }
    await Promise.all(writing)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const reader = await this.#opening?.catch(() => undefined)
    await Promise.all([reader?.close(), this.#log.close()])
  }

  /** Of a record that is confirmed. */
  async #before(own: OwnRecord): Promise<DefinitionRecord | undefined> {
    try {
      await this.#reader()
      if (!(await endsWithin(own.back, COMES_BACK_MS))) await this.#proofs.do(undefined)
      // It may have been deleted with its stream.
      if (own.answer) return own.answer.before
      throw definitionsUnread(this.#stream, this.#failure)
    } catch (error) {
      throw isDuequeError(error) ? withOutcome(error, 'unknown') : error
    }
  }

  #publish(line: string): Promise<void> {
    return this.#explained(this.#log.write(line, undefined))
  }

  /** A question declares nothing. Once the stream was there, it is declared again when it is lost. */
  async #isThere(): Promise<boolean> {
    if (!this.#opening && !this.#isFound) await this.#looks.do(undefined)
    return this.#opening !== undefined || this.#isFound
  }

  async #look(): Promise<void> {
    const { declarer } = this.#settings.broker.topology
    this.#isFound = await this.#explained(declarer.exists('queue', this.#stream))
  }

  /** Opened once. A failed start is tried again by the next question. */
  #reader(): Promise<StreamReader> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  #open(): Promise<StreamReader> {
    const opening = this.#settings.broker.readStream({
      queue: this.#stream,
      from: 0,
      declare: (topology) => this.#log.declare(topology),
      onRecord: (record) => this.#arrived(record),
      onError: (error) => (this.#failure = error),
      closing: this.#closing.signal,
    })
    return this.#explained(opening)
  }

  /** Resolves when every record was read that was there at the time of the call. */
  async #prove(): Promise<void> {
    const reader = await this.#reader()
    if (!(await reachesEnd(reader, () => this.#read, SILENT_MS))) throw definitionsUnread(this.#stream, this.#failure)
    this.#failure = undefined
  }

  #arrived(record: StreamRecord): void {
    const { body, offset, writtenAt = this.#settings.clock.now() } = record
    this.#identity.read(record)
    this.#read++
    const skipped = (error: Error) => {
      if (this.#isNews('unreadable'))
        this.#settings.logger.warn('the definition of a recurring message could not be read: skipped', {
          offset,
          error: errorText(error),
        })
    }
    const add = (line: string) => {
      const before = this.#table.add(decodeDefinitionLine(line), writtenAt)
      this.#own.arrived(line, before)
    }
    readLines(body, add, skipped)
  }

  #explained<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw definitionsFailure(error, this.#log.layout)
    })
  }
}
