// Receives reminders and writes each into a ledger, until it is stopped. Several may run at the same time.
// worker.ts [--queue NAME] [--ledger FILE]
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { openConnection } from './connection.js'
import { handleReminders } from './handle-reminders.js'
import { defaultQueue } from './settings.js'
import { untilStopped } from './until-stopped.js'

const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: defaultQueue },
    ledger: { type: 'string', default: 'reminders.jsonl' },
  },
})

await using ledger = await open(values.ledger, 'a')
await using connection = await openConnection()
await handleReminders(connection.mq, values.queue, ledger)
console.log(`waiting for reminders in ${values.queue}`)
process.send?.('ready')
await untilStopped()
