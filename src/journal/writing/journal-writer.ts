import type { AmqpBroker } from '../../amqp/amqp-broker.js'
import type { PublishPlan } from '../../amqp/publish/publication.js'
import type { Timeline } from '../../base/clock.js'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import { HybridClock } from '../../base/hybrid-clock.js'
import type { Logger } from '../../base/logger.js'
import type { PublishOptions } from '../../broker.js'
import { journalLayout } from '../../log/log-layout.js'
import { StreamLog } from '../../log/stream-log.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import type { ResolvedJournal } from '../journal-options.js'
import { encodeEntry, encodeRefusal } from '../journal-record.js'
import { JournalStreams } from './journal-streams.js'
import { RecordedPlan, type WrittenEntry } from './recorded-plan.js'

export interface JournalWriterSettings extends Pick<ResolvedJournal, 'minDelayMs' | 'bodies'> {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
}

interface RecordOptions extends PublishOptions {
  /** By a restore. */
  restored?: boolean | undefined
}

/** No record goes out with the message. */
const NONE: WrittenEntry = { written: 0, confirmed: Promise.resolve() }

/** Of all journals of this process: of two records of one message, the later has the greater number. */
const numbers = new HybridClock()

/** Writes a record of each message that is to wait, so that others can see it. */
export class JournalWriter {
  readonly #settings: JournalWriterSettings
  readonly #log: StreamLog
  readonly #streams: JournalStreams
  #underWay = 0
  #whenIdle: (() => void) | undefined

  constructor(settings: JournalWriterSettings) {
    const { broker, clock, logger } = settings
    this.#settings = settings
    this.#log = new StreamLog({ broker, layout: journalLayout(broker.names), clock, logger })
    this.#streams = new JournalStreams(this.#log, clock)
    // The first message need not wait for the streams, or finds out why they are missing.
    this.#log.declare(broker.topology).catch(() => undefined)
  }

  /**
   * Publishes a message and writes its record, side by side. Resolves when both are confirmed. Nothing is sent before the
   * stream is known to take records. A message that is refused after its record was written gets a second record that says
   * so.
   *
   * @throws DuequeError `BODY_TOO_LARGE` for a record over the limit, before anything is sent; what the publish and the plan
   * throw; with the outcome `unknown` if the message waits and its record is not confirmed
   */
  publish(message: DelayedMessage, plan: PublishPlan, options: RecordOptions): Promise<void> {
    if (options.restored) return this.#tracked(() => this.#restore(message, plan, options))
    const { broker, clock, minDelayMs } = this.#settings
    const delayMs = readyAt(message) - clock.now()
    if (delayMs <= 0 || delayMs < minDelayMs) return broker.publish(message, plan, options)
    return this.#tracked(() => this.#publish(message, plan, options))
  }

  /** Takes no more messages. Resolves when every message and every record has an outcome. */
  async close(): Promise<void> {
    this.#streams.close()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    await this.#log.close()
  }

  async #publish(message: DelayedMessage, plan: PublishPlan, options: PublishOptions): Promise<void> {
    const recorded = new RecordedPlan(plan, this.#untilReady(message), () => this.#write(message, options))
    try {
      await this.#settings.broker.publish(message, recorded, options)
      await recorded.entry!.confirmed
    } catch (error) {
      const { entry } = recorded
      if (entry && isDuequeError(error) && error.outcome === 'refused') this.#refuse(message, entry.written)
      throw error
    }
  }

  /**
   * The record follows the confirm of the message, whatever its delay: a repeated restore skips a message that has a record. So
   * no record may be there without its message.
   */
  async #restore(message: DelayedMessage, plan: PublishPlan, options: PublishOptions): Promise<void> {
    const { line } = this.#encode(message, true)
    await this.#settings.broker.publish(message, new RecordedPlan(plan, this.#untilReady(message), () => NONE), options)
    await this.#confirmed(line, readyAt(message), options).catch((error: unknown) => {
      throw notRecorded(error)
    })
  }

  async #tracked(work: () => Promise<void>): Promise<void> {
    this.#underWay++
    try {
      await work()
    } finally {
      this.#underWay--
      if (this.#underWay === 0) this.#whenIdle?.()
    }
  }

  #untilReady(message: DelayedMessage): () => Promise<void> | undefined {
    return () => this.#streams.untilReady(readyAt(message))
  }

  /** @throws DuequeError `BODY_TOO_LARGE` */
  #write(message: DelayedMessage, options: PublishOptions): WrittenEntry {
    const { written, line } = this.#encode(message)
    const confirmed = settled(this.#confirmed(line, readyAt(message), options), options.signal)
    const explained = confirmed.catch((error: unknown) => {
      throw notRecorded(error)
    })
    // Of a message that was refused, nobody waits for it.
    explained.catch(() => undefined)
    return { written, confirmed: explained }
  }

  /** @throws DuequeError `BODY_TOO_LARGE` */
  #encode(message: DelayedMessage, restored?: boolean): { written: number; line: string } {
    const { clock, bodies, broker } = this.#settings
    const written = numbers.next(clock.now())
    const line = encodeEntry(message, written, bodies, restored)
    const tooLarge = broker.tooLarge({ byteLength: Buffer.byteLength(line) })
    if (tooLarge) throw recordTooLarge(tooLarge)
    return { written, line }
  }

  /** A message without a time limit has a record without one: both wait for the end of an alarm. */
  async #confirmed(line: string, due: number, { timeoutMs, signal }: PublishOptions): Promise<void> {
    for (;;) {
      try {
        return await this.#log.write(line, due)
      } catch (error) {
        if (timeoutMs !== Infinity || signal?.aborted || !isDuequeError(error, 'PUBLISH_TIMEOUT')) throw error
      }
    }
  }

  /** Not awaited: the outcome of the message is known. */
  #refuse(message: DelayedMessage, refused: number): void {
    const { id } = message
    const due = readyAt(message)
    this.#log.write(encodeRefusal({ id, refused, readyAt: due }), due).catch((error: unknown) => {
      const { logger } = this.#settings
      logger.warn('the journal shows a message that does not wait', { id, error: errorText(error) })
    })
  }
}

/** As `promise`, or a rejection once the signal is aborted. */
function settled(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(new DuequeError('ABORTED', 'aborted by the signal', { reason: signal.reason as unknown }))
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function recordTooLarge({ code, message, data }: DuequeError): DuequeError {
  const what = 'the record of the message in the journal is larger than the message'
  return new DuequeError(code, `${what}: ${message}. A journal with bodies: false keeps no bodies`, data)
}

/** The message waits, and may not be in the journal. */
function notRecorded(error: unknown): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = 'the message waits, and its record in the journal is not confirmed: it may not be seen'
  return new DuequeError(code, `${what}. ${message}`, data, { cause: error, outcome: 'unknown' })
}
