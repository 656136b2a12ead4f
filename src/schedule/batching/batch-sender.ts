import { AsyncResource } from 'node:async_hooks'
import type { Timeline } from '../../base/clock.js'
import { itemLine, MOST_BATCH_BYTES } from '../../message/batch.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { Strategy, WaitOptions } from '../../strategies/strategy.js'
import { batchKey, MOST_ITEM_BYTES } from './batch-key.js'
import { batchMessage, isRefusedForContent, itemError } from './batch-message.js'
import type { BatchItem, OpenBatch } from './open-batch.js'
import { OpenBatches } from './open-batches.js'

/** With so many unconfirmed batches, items gather. */
const FEW = 4
/** A batch that is open for so long goes out at the next confirm, however many are unconfirmed. */
const LONG_MS = 25
/** Of items that go singly. */
const SINGLY: WaitOptions = { declare: false }

export interface BatchSettings {
  readonly strategy: Pick<Strategy, 'schedule'>
  readonly clock: Pick<Timeline, 'now'>
  readonly maxBodyBytes: number
}

/**
 * Makes the messages of one run wait, in batches where it can. No timer holds a message back: a batch goes out when it is full;
 * at the end of the turn of the event loop and at each confirm, the fullest ones go while few are unconfirmed. So items gather as
 * long as the broker needs to confirm a few batches, and a message without company goes at the end of its turn.
 */
export class BatchSender {
  readonly #settings: BatchSettings
  readonly #mostBytes: number
  readonly #open = new OpenBatches()
  /** Where the run began. A batch has many items, and goes out in the context of the run. */
  readonly #context = new AsyncResource('dueque.batches')
  #unconfirmed = 0
  #isEndAwaited = false

  constructor(settings: BatchSettings) {
    this.#settings = settings
    this.#mostBytes = Math.min(MOST_BATCH_BYTES, settings.maxBodyBytes)
  }

  /** As that of a strategy. */
  schedule(message: DelayedMessage, options: WaitOptions): Promise<DelayedMessage | void> {
    const { strategy, clock } = this.#settings
    const key = batchKey(message, options, clock.now())
    const line = key === undefined ? '' : itemLine(message)
    const bytes = Buffer.byteLength(line) + 1 + message.body.byteLength
    if (key === undefined || bytes > MOST_ITEM_BYTES) return strategy.schedule(message, options)
    return new Promise<void>((done, failed) => this.#add(key, { message, done, failed }, line, bytes))
  }

  #add(key: string, item: BatchItem, line: string, bytes: number): void {
    let batch = this.#open.get(key)
    if (batch && batch.byteLength + bytes > this.#mostBytes) {
      this.#send(this.#open.close(batch))
      batch = undefined
    }
    batch ??= this.#open.open(key, performance.now())
    batch.add(item, line, bytes)
    if (batch.isFull) this.#send(this.#open.close(batch))
    else if (!this.#isEndAwaited) this.#awaitEnd()
  }

  #awaitEnd(): void {
    this.#isEndAwaited = true
    setImmediate(() => {
      this.#isEndAwaited = false
      this.#pump()
    })
  }

  #pump(): void {
    const time = performance.now() - LONG_MS
    for (;;) {
      const isFew = this.#unconfirmed < FEW
      const batch = this.#open.closeOpenedBy(time) ?? (isFew ? this.#open.closeFullest() : undefined)
      if (!batch) return
      this.#send(batch)
    }
  }

  #send(batch: OpenBatch): void {
    this.#unconfirmed++
    const [first] = batch.items
    const send = () => (batch.items.length === 1 ? this.#singly(first!) : this.#together(batch))
    // Neither rejects.
    void this.#context.runInAsyncScope(send).then(() => {
      this.#unconfirmed--
      this.#pump()
    })
  }

  async #together(batch: OpenBatch): Promise<void> {
    const messages = batch.items.map(({ message }) => message)
    const { strategy, clock } = this.#settings
    try {
      const together = batchMessage(messages, batch.body(), clock.now())
      await strategy.schedule(together, { declare: false, items: messages })
    } catch (error) {
      if (isRefusedForContent(error)) await Promise.all(batch.items.map((item) => this.#singly(item)))
      else for (const { failed, message } of batch.items) failed(itemError(error, message.destination.queue!))
      return
    }
    for (const { done } of batch.items) done()
  }

  async #singly({ message, done, failed }: BatchItem): Promise<void> {
    try {
      await this.#settings.strategy.schedule(message, SINGLY)
      done()
    } catch (error) {
      failed(error)
    }
  }
}
