import type { DuequeError } from '../../base/errors.js'
import type { RecordWriter } from '../../log/record-batch.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import type { RecordedPlan, Records } from './recorded-plan.js'

/** An entry of the journal, as it is written. */
export interface ItemRecord {
  readonly message: DelayedMessage
  /** Its number. */
  readonly written: number
  /** Until then it is needed. */
  readonly due: number
  readonly line: string
  /** Of the line. */
  readonly bytes: number
}

/** What the writer of a journal does for the records of one batch. */
export interface ItemWriting {
  untilReady(due: number): Promise<void> | undefined
  /** @throws DuequeError `BODY_TOO_LARGE` */
  encode(message: DelayedMessage): ItemRecord
  send(record: ItemRecord, writer: RecordWriter): void
  /** Writes that the message does not wait. */
  refuse(record: ItemRecord): void
  /** The batch is confirmed, or has failed. */
  published(): void
}

/** The records of one batch: one for each item. The batch itself has none. They count as recorded when all of them are. */
export class ItemRecords implements Records {
  readonly #items: readonly DelayedMessage[]
  readonly #writing: ItemWriting
  #records: readonly ItemRecord[] = []
  #pending = 0
  #error: unknown

  constructor(items: readonly DelayedMessage[], writing: ItemWriting) {
    this.#items = items
    this.#writing = writing
  }

  /** The items are due within a second: the last one has the longest horizon. */
  untilReady(): Promise<void> | undefined {
    return this.#writing.untilReady(Math.max(...this.#items.map(readyAt)))
  }

  /** If one of them cannot be written, none is. */
  write(recorded: RecordedPlan): number {
    this.#records = this.#items.map((item) => this.#writing.encode(item))
    this.#pending = this.#records.length
    const writer = { recorded: (error?: unknown) => this.#recorded(recorded, error) }
    for (const record of this.#records) this.#writing.send(record, writer)
    return this.#records[0]!.written
  }

  writesAgain(): boolean {
    return false
  }

  published(_recorded: RecordedPlan, error?: DuequeError): void {
    if (error?.outcome === 'refused') for (const record of this.#records) this.#writing.refuse(record)
    this.#writing.published()
  }

  /** Of messages that a program sends on, which are no batches. */
  unrecorded(): void {}

  #recorded(recorded: RecordedPlan, error: unknown): void {
    this.#error ??= error
    this.#pending--
    if (this.#pending === 0) recorded.recorded(this.#error)
  }
}
