import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { Timeline } from '../base/clock.js'
import { DuequeError, errorText, isDuequeError } from '../base/errors.js'
import { HybridClock } from '../base/hybrid-clock.js'
import type { Logger } from '../base/logger.js'
import { journalLayout } from '../log/log-layout.js'
import { StreamLog } from '../log/stream-log.js'
import { readyAt, type DelayedMessage } from '../message/delayed-message.js'
import type { ResolvedJournal } from './journal-options.js'
import { encodeEntry, encodeRefusal } from './journal-record.js'

export interface JournalSettings extends Pick<ResolvedJournal, 'minDelayMs' | 'bodies'> {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
}

/** Of all journals of this process: of two records of one message, the later has the greater number. */
const written = new HybridClock()

/** Writes a record of each message that is to wait, so that others can see it. */
export class Journal {
  readonly #settings: JournalSettings
  readonly #log: StreamLog
  #isReady = false

  constructor(settings: JournalSettings) {
    const { broker, clock, logger } = settings
    this.#settings = settings
    this.#log = new StreamLog({ broker, layout: journalLayout(broker.names), clock, logger })
    // The first message need not wait for it, or finds out why.
    this.#ready().catch(() => undefined)
  }

  /**
   * Sends a message and writes its record, side by side. Resolves when both are confirmed. A message that certainly does not
   * wait gets a second record that says so.
   *
   * @throws DuequeError `BODY_TOO_LARGE` for a record over the broker's limit, before anything is sent; what `send` throws;
   * with the outcome `unknown` if the message may wait without its record
   */
  schedule(message: DelayedMessage, send: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const { clock, minDelayMs } = this.#settings
    const delayMs = readyAt(message) - clock.now()
    return delayMs <= 0 || delayMs < minDelayMs ? send() : this.#schedule(message, send, signal)
  }

  /** Takes no more messages. Resolves when every record has an outcome. */
  close(): Promise<void> {
    return this.#log.close()
  }

  async #schedule(message: DelayedMessage, send: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#isReady) await this.#ready()
    const { clock, bodies, broker } = this.#settings
    const number = written.next(clock.now())
    const line = encodeEntry(message, number, bodies)
    const tooLarge = broker.tooLarge(Buffer.from(line))
    if (tooLarge) throw tooLarge
    const recorded = this.#log.write(line, readyAt(message))
    recorded.catch(() => undefined)
    try {
      await send()
    } catch (error) {
      if (isDuequeError(error) && error.outcome === 'refused') this.#refuse(message, number)
      throw error
    }
    await settled(recorded, signal).catch((error: unknown) => {
      throw notRecorded(error)
    })
  }

  async #ready(): Promise<void> {
    await this.#log.ready()
    this.#isReady = true
  }

  /** Not awaited: the outcome of the message is known. */
  #refuse(message: DelayedMessage, refused: number): void {
    const { id } = message
    this.#log
      .write(encodeRefusal({ id, refused, readyAt: readyAt(message) }), readyAt(message))
      .catch((error: unknown) => {
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

/** The message waits, and may not be in the journal. */
function notRecorded(error: unknown): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = 'the message waits, and its record in the journal is not confirmed: it may not be seen'
  return new DuequeError(code, `${what}. ${message}`, data, { cause: error, outcome: 'unknown' })
}
