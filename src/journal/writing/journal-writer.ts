import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { PublishPlan } from '../../amqp/publish/publication.js'
import type { Timeline } from '../../base/clock.js'
import { aborted, DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import { HybridClock } from '../../base/hybrid-clock.js'
import type { Logger } from '../../base/logger.js'
import { SharedSignals } from '../../base/shared-signals.js'
import { journalLayout } from '../../log/log-layout.js'
import { StreamLog } from '../../log/stream-log.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { tickQueue } from '../../recurring/recurring-layout.js'
import { destinationText } from '../../message/destination.js'
import type { ResolvedJournal } from '../journal-options.js'
import { encodeEntry, encodeRefusal } from '../journal-record.js'
import { ItemRecords, type ItemRecord } from './item-records.js'
import { JournalStreams } from './journal-streams.js'
import { RecordedPlan, type RecordOptions, type Records } from './recorded-plan.js'

export interface JournalWriterSettings extends Pick<ResolvedJournal, 'minDelayMs' | 'bodies'> {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
}

/** Large batches, which cost RabbitMQ half as much for each record as small ones. They gather behind few, under load alone. */
const LIMITS = { records: 256, publishes: 2 }

/** Of all journals of this process: of two records of one message, the later has the greater number. */
const numbers = new HybridClock()

/** Writes a record of each message that is to wait, so that others can see it. */
export class JournalWriter {
  readonly #settings: JournalWriterSettings
  readonly #log: StreamLog
  readonly #streams: JournalStreams
  readonly #records: Records = {
    untilReady: (due) => this.#streams.untilReady(due),
    write: (recorded) => this.#write(recorded),
    // A message without a time limit has a record without one: both wait for the end of an alarm.
    writesAgain: (recorded, error) => {
      const { timeoutMs, signal } = recorded.options
      const isPatient = timeoutMs === Infinity && !signal?.aborted && isDuequeError(error, 'PUBLISH_TIMEOUT')
      if (isPatient) this.#write(recorded)
      return isPatient
    },
    published: (recorded, error) => this.#published(recorded, error),
    // A retry, a message that came far too early, or another one that a program sends on.
    unrecorded: ({ message: { id, destination } }, error) => {
      const to = destinationText(destination)
      this.#settings.logger.warn('a message waits and is not in the journal', { id, to, error: errorText(error) })
    },
  }
  /**
   * The record of a restored message follows the confirm of the message, whatever its delay: a restore that is repeated skips
   * a message that has a record, which must not be there without it.
   */
  readonly #later: Records = { ...this.#records, write: (recorded) => this.#encode(recorded, true).written }
  readonly #signals = new SharedSignals<RecordedPlan>((all, signal) => {
    for (const recorded of all) recorded.recorded(aborted(signal))
  })
  #underWay = 0
  #whenIdle: (() => void) | undefined

  constructor(settings: JournalWriterSettings) {
    const { broker, clock, logger } = settings
    this.#settings = settings
    this.#log = new StreamLog({ broker, layout: journalLayout(broker.names), clock, logger, limits: LIMITS })
    this.#streams = new JournalStreams(this.#log, clock)
    // The first message need not wait for the streams, or finds out why they are missing.
    this.#log.declare(broker.topology).catch(() => undefined)
  }

  /**
   * Publishes a message and writes its record, side by side. Resolves when both are confirmed. Nothing is sent before the
   * stream is known to take records. A message that is refused after its record was written gets a second record that says
   * so. Of a batch, each item has a record.
   *
   * @throws DuequeError `BODY_TOO_LARGE` for a record over the limit, before anything is sent; what the publish and the plan
   * throw; with the outcome `unknown` if the message waits and its record is not confirmed
   */
  publish(message: DelayedMessage, plan: PublishPlan, options: RecordOptions): Promise<void> {
    if (options.restored) return this.#publish(new RecordedPlan(message, plan, options, this.#later))
    const recorded = options.items?.filter((item) => this.#isRecorded(item))
    if (recorded ? recorded.length === 0 : !this.#isRecorded(message))
      return this.#settings.broker.publish(message, plan, options)
    const records = recorded ? this.#recordsOf(recorded) : this.#records
    return this.#publish(new RecordedPlan(message, plan, options, records))
  }

  /** Takes no more messages. Resolves when every message and every record has an outcome. */
  async close(): Promise<void> {
    this.#streams.close()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    await this.#log.close()
  }

  #isRecorded(message: DelayedMessage): boolean {
    const { broker, clock, minDelayMs } = this.#settings
    const delayMs = readyAt(message) - clock.now()
    return delayMs > 0 && delayMs >= minDelayMs && message.destination.queue !== tickQueue(broker.names)
  }

  #recordsOf(items: readonly DelayedMessage[]): ItemRecords {
    return new ItemRecords(items, {
      untilReady: (due) => this.#streams.untilReady(due),
      encode: (message) => this.#encode({ message, written: undefined }),
      send: ({ line, due, bytes }, writer) => this.#log.send(line, due, writer, bytes),
      refuse: (record) => this.#refuse(record),
      published: () => this.#over(),
    })
  }

  #publish(recorded: RecordedPlan): Promise<void> {
    this.#underWay++
    this.#settings.broker.send(recorded.message, recorded, recorded.options, recorded)
    return recorded.outcome
  }

  #published(recorded: RecordedPlan, error: DuequeError | undefined): void {
    const { restored, signal } = recorded.options
    if (restored && !error) this.#writeLater(recorded)
    else if (!restored && error?.outcome === 'refused') this.#refuse(recorded)
    this.#over()
    if (signal && !error && recorded.isPending) this.#watch(recorded, signal)
  }

  #over(): void {
    this.#underWay--
    if (this.#underWay === 0) this.#whenIdle?.()
  }

  #writeLater(recorded: RecordedPlan): void {
    try {
      this.#write(recorded)
    } catch (error) {
      recorded.recorded(error)
    }
  }

  /** The record is awaited no longer than the signal allows. */
  #watch(recorded: RecordedPlan, signal: AbortSignal): void {
    if (signal.aborted) return recorded.recorded(aborted(signal))
    this.#signals.add(recorded, signal)
    const over = () => this.#signals.delete(recorded, signal)
    recorded.outcome.then(over, over)
  }

  /** @throws DuequeError `BODY_TOO_LARGE` */
  #write(recorded: RecordedPlan): number {
    const { message, options, written: before } = recorded
    const { written, due, line, bytes } = this.#encode({ message, written: before }, options.restored)
    this.#log.send(line, due, recorded, bytes)
    return written
  }

  /** @throws DuequeError `BODY_TOO_LARGE` */
  #encode({ message, written }: Pick<RecordedPlan, 'message' | 'written'>, restored?: boolean): ItemRecord {
    const { clock, bodies, broker } = this.#settings
    const number = written ?? numbers.next(clock.now())
    const line = encodeEntry(message, number, bodies, restored)
    const bytes = Buffer.byteLength(line)
    const tooLarge = broker.tooLarge({ byteLength: bytes })
    if (tooLarge) throw recordTooLarge(tooLarge)
    return { message, written: number, due: readyAt(message), line, bytes }
  }

  /** Not awaited: the outcome of the message is known. */
  #refuse({ message: { id }, due, written }: Pick<RecordedPlan, 'message' | 'due' | 'written'>): void {
    if (written === undefined) return
    const { logger } = this.#settings
    this.#log.write(encodeRefusal({ id, refused: written, readyAt: due }), due).catch((error: unknown) => {
      logger.warn('the journal shows a message that does not wait', { id, error: errorText(error) })
    })
  }
}

function recordTooLarge({ code, message, data }: DuequeError): DuequeError {
  const what = 'the record of the message in the journal is larger than the message'
  return new DuequeError(code, `${what}: ${message}. A journal with bodies: false keeps no bodies`, data)
}
