import { DuequeError } from '../../base/errors.js'
import { isOfARow, isSilence } from './store-error.js'

const MAX_ROWS = 500
const MAX_BYTES = 1024 * 1024

interface Entry<Row, Answer> {
  readonly row: Row
  readonly done: Promise<Answer>
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes rows as many at a time as came while the ones before were written, because commits are what writing waits for. Every
 * row has its own outcome. Rows with one key are the same.
 */
export class Inserter<Row extends { readonly key: string }, Answer = void> {
  readonly #insert: (rows: readonly Row[]) => Promise<readonly Answer[] | void>
  readonly #bytesOf: (row: Row) => number
  readonly #waiting = new Map<string, Entry<Row, Answer>>()
  #underWay: Promise<void> | undefined

  /** @param insert answers each row in its place, if rows have answers */
  constructor(insert: (rows: readonly Row[]) => Promise<readonly Answer[] | void>, bytesOf: (row: Row) => number) {
    this.#insert = insert
    this.#bytesOf = bytesOf
  }

  add(row: Row): Promise<Answer> {
    const twin = this.#waiting.get(row.key)
    if (twin) return twin.done
    const entry = entryOf<Row, Answer>(row)
    this.#waiting.set(row.key, entry)
    this.#underWay ??= this.#run()
    return entry.done
  }

  /** Once everything that was added has its outcome. */
  async end(): Promise<void> {
    await this.#underWay
  }

  async #run(): Promise<void> {
    // What is scheduled in the same turn goes along.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.size > 0) await this.#write(this.#take())
    this.#underWay = undefined
  }

  #take(): Entry<Row, Answer>[] {
    const batch: Entry<Row, Answer>[] = []
    let bytes = 0
    for (const [key, entry] of this.#waiting) {
      bytes += this.#bytesOf(entry.row)
      if (batch.length > 0 && (batch.length === MAX_ROWS || bytes > MAX_BYTES)) break
      batch.push(entry)
      this.#waiting.delete(key)
    }
    // In one order everywhere, so that two writers of the same rows wait for each other in one direction.
    return batch.sort((a, b) => (a.row.key < b.row.key ? -1 : 1))
  }

  /** Never rejects. */
  async #write(batch: readonly Entry<Row, Answer>[]): Promise<void> {
    try {
      const answers = await this.#insert(batch.map(({ row }) => row))
      for (const [i, { resolve }] of batch.entries()) resolve(answers?.[i] as Answer)
    } catch (error) {
      if (batch.length > 1 && isOfARow(error)) for (const entry of batch) await this.#write([entry])
      else for (const { reject } of batch) reject(error)
      if (isSilence(error)) this.#refuse(error)
    }
  }

  /** What waited behind a silent server has waited long enough, and certainly was not sent. */
  #refuse(cause: unknown): void {
    const text = 'postgres: not sent, since the server did not answer to what came before (option: timeoutMs)'
    const error = new DuequeError('STORE_ERROR', text, { store: 'postgres' }, { cause })
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

function entryOf<Row, Answer>(row: Row): Entry<Row, Answer> {
  let settle: Pick<Entry<Row, Answer>, 'resolve' | 'reject'> | undefined
  const done = new Promise<Answer>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { row, done, ...settle! }
}
