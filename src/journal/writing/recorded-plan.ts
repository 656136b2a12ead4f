import type { Frame } from '../../amqp/publish/frame-builder.js'
import type { PublicationEnd, PublishPlan } from '../../amqp/publish/publication.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import type { PublishOptions } from '../../broker.js'
import type { RecordWriter } from '../../log/record-batch.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'

export interface RecordOptions extends PublishOptions {
  /** By a restore. */
  restored?: boolean | undefined
  /** The messages inside, of a batch. */
  items?: readonly DelayedMessage[] | undefined
}

/** Where the records of messages go. */
export interface Records {
  /** Undefined if a record that is needed until this time can be written at once. */
  untilReady(due: number): Promise<void> | undefined
  /**
   * Writes the record of a message, which hears of its outcome.
   *
   * @returns the number of the record
   */
  write(recorded: RecordedPlan): number
  /** Whether a record that failed is written again. */
  writesAgain(recorded: RecordedPlan, error: unknown): boolean
  /** The message is confirmed, or has failed with `error`. */
  published(recorded: RecordedPlan, error?: DuequeError): void
  /** A message that a program sends on waits, and its record could not be written. */
  unrecorded(recorded: RecordedPlan, error: unknown): void
}

/**
 * Publishes a message by its own plan, and writes its record as the message first goes out: a message that is never sent has
 * no record. Hears of both confirms. One object and one promise for each message, because there are many on their way.
 */
export class RecordedPlan implements PublishPlan, PublicationEnd, RecordWriter {
  readonly message: DelayedMessage
  readonly options: RecordOptions
  /** Until then the record is needed. */
  readonly due: number
  /**
   * Resolves when the message and its record are confirmed. Rejects when the message fails; with the outcome `unknown` if the
   * message waits and its record is not confirmed, unless it is a message that a program sends on.
   */
  readonly outcome: Promise<void>
  readonly #plan: PublishPlan
  readonly #records: Records
  #written: number | undefined
  #isConfirmed = false
  #isRecorded = false
  #error: unknown
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor(message: DelayedMessage, plan: PublishPlan, options: RecordOptions, records: Records) {
    this.message = message
    this.options = options
    this.due = readyAt(message)
    this.#plan = plan
    this.#records = records
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The number of the record; undefined before it is written. */
  get written(): number | undefined {
    return this.#written
  }

  prepare(): Frame | Promise<void> {
    const prepared = this.#plan.prepare()
    if (this.#written !== undefined || this.#isRecorded) return prepared
    const ready = this.#untilReady()
    // Side by side: each may declare queues, whose confirms are held for a while.
    if ('then' in prepared) return ready ? Promise.all([prepared, ready]).then(() => undefined) : prepared
    if (ready) return ready
    this.#write()
    return prepared
  }

  /** A message that is sent on goes without its record if the stream takes none. */
  #untilReady(): Promise<void> | undefined {
    const ready = this.#records.untilReady(this.due)
    return this.#isSentOn ? ready?.catch((error: unknown) => this.recorded(error)) : ready
  }

  #write(): void {
    try {
      this.#written = this.#records.write(this)
    } catch (error) {
      if (!this.#isSentOn) throw error
      this.recorded(error)
    }
  }

  /** A retry, or another message that waits in any case: better unseen than dead. */
  get #isSentOn(): boolean {
    const { timeoutMs, restored } = this.options
    return timeoutMs === Infinity && !restored
  }

  safeAt(): number {
    return this.#plan.safeAt()
  }

  /** Whether the outcome of the record is not known yet. */
  get isPending(): boolean {
    return !this.#isRecorded
  }

  confirmed(): void {
    this.#isConfirmed = true
    this.#records.published(this)
    this.#settle()
  }

  failed(error: DuequeError): void {
    this.#records.published(this, error)
    this.#reject(error)
  }

  /** @param error of the record, or why nobody waits for it any longer */
  recorded(error?: unknown): void {
    if (error !== undefined && this.#records.writesAgain(this, error)) return
    this.#isRecorded = true
    this.#error ??= error
    this.#settle()
  }

  #settle(): void {
    if (!this.#isConfirmed || !this.#isRecorded) return
    if (this.#error !== undefined && !this.#isSentOn) return this.#reject(notRecorded(this.#error))
    if (this.#error !== undefined) this.#records.unrecorded(this, this.#error)
    this.#resolve()
  }
}

/** The message waits, and may not be in the journal. */
function notRecorded(error: unknown): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const what = 'the message waits, and its record in the journal is not confirmed: it may not be seen'
  return new DuequeError(code, `${what}. ${message}`, data, { cause: error, outcome: 'unknown' })
}
