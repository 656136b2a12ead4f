import { MOST_ITEMS } from '../../message/batch.js'
import type { DelayedMessage } from '../../message/delayed-message.js'

/** A message in a batch, with the two ends of its schedule. */
export interface BatchItem {
  readonly message: DelayedMessage
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** Of the memory of a batch at first. Most batches of a quiet program hold few messages. */
const FIRST_BYTES = 4096
const LINE_END = 0x0a

/** A batch that takes further items. Each is encoded at once: text that stays in memory would cost the garbage collector more. */
export class OpenBatch {
  readonly key: string
  /** By `performance.now()`. */
  readonly openedAt: number
  readonly items: BatchItem[] = []
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #bytes = 0

  constructor(key: string, openedAt: number) {
    this.key = key
    this.openedAt = openedAt
  }

  get isFull(): boolean {
    return this.items.length >= MOST_ITEMS
  }

  get byteLength(): number {
    return this.#bytes
  }

  add(item: BatchItem, line: string, bytes: number): void {
    const { body } = item.message
    this.#reserve(this.#bytes + bytes)
    this.#bytes += this.#memory.write(line, this.#bytes)
    this.#memory[this.#bytes++] = LINE_END
    this.#memory.set(body, this.#bytes)
    this.#bytes += body.byteLength
    this.items.push(item)
  }

  body(): Uint8Array {
    return this.#memory.subarray(0, this.#bytes)
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#memory.length) return
    const more = Buffer.allocUnsafeSlow(Math.max(bytes, 4 * this.#memory.length))
    this.#memory.copy(more, 0, 0, this.#bytes)
    this.#memory = more
  }
}
