import { encodeItem, MOST_ITEMS } from '../../message/batch.js'
import type { DelayedMessage } from '../../message/delayed-message.js'

/** A message in a batch, with the two ends of its schedule. */
export interface BatchItem {
  readonly message: DelayedMessage
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** A message as it stands in a batch. */
export class EncodedItem {
  readonly parts: readonly [line: Uint8Array, body: Uint8Array]
  readonly bytes: number

  constructor(message: DelayedMessage) {
    this.parts = encodeItem(message)
    this.bytes = this.parts[0].byteLength + this.parts[1].byteLength
  }
}

/** A batch that takes further items. */
export class OpenBatch {
  readonly key: string
  /** By `performance.now()`. */
  readonly openedAt: number
  readonly items: BatchItem[] = []
  readonly #parts: Uint8Array[] = []
  #bytes = 0

  constructor(key: string, openedAt: number) {
    this.key = key
    this.openedAt = openedAt
  }

  get isFull(): boolean {
    return this.items.length >= MOST_ITEMS
  }

  /** With the next item. */
  bytesWith({ bytes }: EncodedItem): number {
    return this.#bytes + bytes
  }

  add(item: BatchItem, { parts, bytes }: EncodedItem): void {
    this.items.push(item)
    this.#parts.push(...parts)
    this.#bytes += bytes
  }

  body(): Uint8Array {
    return Buffer.concat(this.#parts, this.#bytes)
  }
}
