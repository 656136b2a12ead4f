// restore-child.ts URL FROM LOST_AT: restores a journal, and prints how many messages are settled each time that it changes.
import { restoreJournal } from '../../src/operate/restore/restore-journal.js'

const [url, from, lostAt] = process.argv.slice(2) as [string, string, string]

await restoreJournal({
  ...{ url, from: { url: from }, lostAt: new Date(Number(lostAt)), execute: true, declare: true, logger: false },
  onProgress: (done) => process.stdout.write(`${done}\n`),
})
