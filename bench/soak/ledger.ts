import { createReadStream, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Step } from '../../scripts/checker/expectation.js'
import type { Answer } from '../../scripts/checker/history.js'

/** A record of a process. `at`, `due`: milliseconds since the epoch. `key`, `k`: message and copy, see scripts/checker/history.ts. */
export type Entry = { at: number } & (
  | { is: 'try'; key: string; k: number; due: number; told: number }
  | { is: 'confirmed'; key: string; k: number }
  | { is: 'refused' | 'unknown'; key: string; k: number; code: string }
  /** A cancellation of the copies below `below`. null: of all. */
  | { is: 'cancel'; key: string; below: number | null }
  | { is: 'answer'; key: string; answer: Answer }
  | { is: 'start'; key: string; k: number; attempt: number; due: number }
  | { is: 'end'; key: string; k: number; attempt: number; step: Step }
  | { is: 'disconnected' }
  /** An error event of dueque. Of a consumer: it could not move a message, which is then redelivered. */
  | { is: 'failed'; text: string }
  /** A log line of dueque. */
  | { is: 'news'; text: string }
)

type Written<E> = E extends unknown ? Omit<E, 'at'> : never

/**
 * The file of one process. A line is in the kernel's hands when `write` returns, so kill -9 of the process takes none of
 * them away. It is open until the process ends: what happens behind its close is written down as well.
 */
export class Ledger {
  readonly #file: number
  readonly #now: () => number

  /** @param now the time, whatever the wall clock of the process was set to */
  constructor(path: string, now: () => number) {
    this.#file = openSync(path, 'a')
    this.#now = now
  }

  write(entry: Written<Entry>): void {
    writeSync(this.#file, `${JSON.stringify({ at: this.#now(), ...entry })}\n`)
  }
}

export async function* entriesOf(path: string): AsyncGenerator<Entry> {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const entry = parse(line)
    if (entry) yield entry
  }
}

/** The last line may be half of one. */
function parse(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry
  } catch {
    return undefined
  }
}
