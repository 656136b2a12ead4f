import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Step } from './course.js'

/** A record of a process. `at`, `due`: milliseconds since the epoch. */
export type Entry = { at: number } & (
  | { is: 'try'; n: number; due: number }
  | { is: 'confirmed'; n: number }
  | { is: 'refused' | 'unknown'; n: number; code: string }
  | { is: 'start'; n: number; attempt: number; due: number }
  | { is: 'end'; n: number; attempt: number; step: Step }
  | { is: 'disconnected' }
  /** An error event of dueque. Of a consumer: it could not move a message, which is then redelivered. */
  | { is: 'failed'; text: string }
  /** A log line of dueque. */
  | { is: 'news'; text: string }
)

type Written<E> = E extends unknown ? Omit<E, 'at'> & { at?: number } : never

/**
 * The file of one process. A line is in the kernel's hands when `write` returns, so kill -9 of the process takes none of
 * them away.
 */
export class Ledger {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /** `at` is now, unless given. */
  write(entry: Written<Entry>): void {
    writeSync(this.#file, `${JSON.stringify({ at: Date.now(), ...entry })}\n`)
  }

  close(): void {
    closeSync(this.#file)
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
