import { hash } from 'node:crypto'
import type { StreamRecord } from '../../amqp/receive/stream.js'

type Read = Pick<StreamRecord, 'id' | 'offset' | 'writtenAt' | 'body'>

/** What is kept of a record: its body may be large. */
interface Mark extends Omit<Read, 'body'> {
  readonly digest: string
}

/** Tells a stream from one that was declared anew under its name, by the first record that was read of it. */
export class StreamIdentity {
  #first: Mark | undefined

  /** Called with each record that is read. */
  read(record: Read): void {
    this.#first ??= markOf(record)
  }

  /** Begins to compare: with a stream that is read from its first record on. */
  compare(): Comparison {
    return new Comparison(this.#first, (first) => (this.#first = first))
  }
}

class Comparison {
  readonly #known: Mark | undefined
  readonly #becomes: (first: Mark | undefined) => void
  #first: Mark | undefined
  /** The record in the place of the known one. */
  #there: Mark | undefined

  constructor(known: Mark | undefined, becomes: (first: Mark | undefined) => void) {
    this.#known = known
    this.#becomes = becomes
  }

  /** Called with each record of the stream. */
  read(record: Read): void {
    this.#first ??= markOf(record)
    if (record.offset === this.#known?.offset) this.#there = markOf(record)
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

function markOf({ id, offset, writtenAt, body }: Read): Mark {
  return { id, offset, writtenAt, digest: hash('sha256', body, 'hex') }
}

/** A record of a foreign program may have neither an id nor a time. */
function isSame(a: Mark, b: Mark): boolean {
  return a.id === b.id && a.writtenAt === b.writtenAt && a.digest === b.digest
}
