import type { FileHandle } from 'node:fs/promises'
import { on, type Dueque } from 'dueque'
import type { LedgerEntry } from './ledger.js'
import { reminder } from './reminder.js'

/** Writes each reminder that arrives into a ledger, until `mq` is closed. */
export async function handleReminders(mq: Dueque, queue: string, ledger: FileHandle): Promise<void> {
  mq.on('error', (error) => console.error(error.message))
  // The message is acked when the handler returns: after the entry is written.
  await mq.consume(queue, [
    on(reminder, async ({ id, payload: { patient, room }, latenessMs }) => {
      const entry: LedgerEntry = { id, arrivedAt: Date.now(), worker: process.pid }
      await ledger.appendFile(`${JSON.stringify(entry)}\n`)
      console.log(`${id}: ${patient}, room ${room}, ${latenessMs} ms late`)
    }),
  ])
}
