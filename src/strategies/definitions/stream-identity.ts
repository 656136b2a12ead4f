import type { StreamRecord } from '../../amqp/receive/stream.js'

type Read = Pick<StreamRecord, 'id' | 'offset' | 'writtenAt' | 'body'>

/** Tells a stream from one that was declared anew under its name, by the first record that was read of it. */
export class StreamIdentity {
  #first: Read | undefined

  /** Called with each record that is read. */
  read(record: Read): void {
    this.#first ??= record
  }

  /** Begins to compare: with a stream that is read from its first record on. */
  compare(): Comparison {
    return new Comparison(this.#first, (first) => (this.#first = first))
  }
}

class Comparison {
  readonly #known: Read | undefined
  readonly #becomes: (first: Read | undefined) => void
  #first: Read | undefined
  /** The record in the place of the known one. */
  #there: Read | undefined

  constructor(known: Read | undefined, becomes: (first: Read | undefined) => void) {
    this.#known = known
    this.#becomes = becomes
  }

  /** Called with each record of the stream. */
  read(record: Read): void {
    this.#first ??= record
    if (record.offset === this.#known?.offset) this.#there = record
  }

  /** Whether it is another stream, once all of it is read. From now on, it is the known one. */
  isAnother(): boolean {
    const [known, first, there] = [this.#known, this.#first, this.#there]
    this.#becomes(first)
    if (!known) return false
    if (there) return !isSame(there, known)
    // One that begins behind it has forgotten it.
    return first === undefined || first.offset < known.offset
  }
}

/** A record of a foreign program may have neither an id nor a time. */
function isSame(a: Read, b: Read): boolean {
  return a.id === b.id && a.writtenAt === b.writtenAt && Buffer.compare(a.body, b.body) === 0
}
