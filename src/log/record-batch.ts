const LINE_END = 0x0a

/** Gets the outcome of one record: an error whose `outcome` is that of this record, or none. */
export interface RecordWriter {
  recorded(error?: unknown): void
}

/**
 * Records that travel in one publish. Each is encoded into the batch at once: text that stays in memory until its confirm
 * would cost the garbage collector more than the encoding.
 */
export class RecordBatch {
  /** By `performance.now()`: of the first record. */
  readonly startedAt: number
  readonly #writers: RecordWriter[] = []
  /** Behind each record. */
  readonly #ends: number[] = []
  #bytes: Buffer

  /** @param bytes to write into, of any length */
  constructor(startedAt: number, bytes: Buffer) {
    this.startedAt = startedAt
    this.#bytes = bytes
  }

  get length(): number {
    return this.#writers.length
  }

  get byteLength(): number {
    return this.#ends.at(-1) ?? 0
  }

  /** The memory behind the body, for another batch. */
  get memory(): Buffer {
    return this.#bytes
  }

  /** The body of the publish, in UTF-8: a line for each record. */
  get body(): Buffer {
    return this.#bytes.subarray(0, this.byteLength)
  }

  /** @param bytes of the line */
  add(line: string, bytes: number, writer: RecordWriter): void {
    let end = this.byteLength
    this.#reserve(end + 1 + bytes)
    if (this.length > 0) end = this.#bytes.writeUInt8(LINE_END, end)
    this.#ends.push(end + this.#bytes.write(line, end))
    this.#writers.push(writer)
  }

  recorded(error?: unknown): void {
    for (const writer of this.#writers) writer.recorded(error)
  }

  halves(): [RecordBatch, RecordBatch] {
    const half = Math.ceil(this.length / 2)
    return [this.#part(0, half), this.#part(half, this.length)]
  }

  #part(from: number, to: number): RecordBatch {
    const start = from === 0 ? 0 : this.#ends[from - 1]! + 1
    const part = new RecordBatch(this.startedAt, this.#bytes.subarray(start))
    part.#ends.push(...this.#ends.slice(from, to).map((end) => end - start))
    part.#writers.push(...this.#writers.slice(from, to))
    return part
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    const more = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#bytes.length))
    this.#bytes.copy(more, 0, 0, this.byteLength)
    this.#bytes = more
  }
}
