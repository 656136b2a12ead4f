import { readFile } from 'node:fs/promises'

/** One line of the ledger: a handler has run. */
export interface LedgerEntry {
  /** Of the reminder. */
  id: string
  /** By the worker's own clock, when its handler began. */
  arrivedAt: number
  /** Its process id. */
  worker: number
}

/** All complete lines of the ledger. */
export async function readLedger(file: string): Promise<LedgerEntry[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as LedgerEntry)
}
