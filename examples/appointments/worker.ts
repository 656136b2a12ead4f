// Receives reminders and writes each into a ledger, until it is stopped. Several may run at the same time.
// worker.ts [--queue NAME] [--ledger FILE]
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { connect, on } from 'dueque'
import type { LedgerEntry } from './ledger.js'
import { reminder } from './reminder.js'
import { defaultQueue, namespace, strategy, url } from './settings.js'

const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: defaultQueue },
    ledger: { type: 'string', default: 'reminders.jsonl' },
  },
})

const ledger = await open(values.ledger, 'a')
const mq = await connect({ url, namespace, strategy: strategy() })
mq.on('error', (error) => console.error(error.message))

// The message is acked when the handler returns: after the entry is written.
await mq.consume(values.queue, [
  on(reminder, async ({ id, payload: { patient, room }, latenessMs }) => {
    const entry: LedgerEntry = { id, arrivedAt: Date.now(), worker: process.pid }
    await ledger.appendFile(`${JSON.stringify(entry)}\n`)
    console.log(`${id}: ${patient}, room ${room}, ${latenessMs} ms late`)
  }),
])
console.log(`waiting for reminders in ${values.queue}`)
process.send?.('ready')

let stopping: Promise<void> | undefined
const stop = () => void (stopping ??= close())
for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.on(event, stop)

async function close(): Promise<void> {
  await mq.close()
  await ledger.close()
  if (process.connected) process.disconnect()
}
