import type { Command } from 'commander'
import { wholeNumber, type Settings } from '../../settings.js'
import { withWaitlist } from '../../stores/chosen-store.js'
import type { Terminal } from '../../terminal.js'
import { addFilter, filterOf, type FilterOptions } from '../../waiting-filter.js'
import { waitingJson, waitingTable } from '../../waiting-text.js'

type Options = Settings & FilterOptions & { limit: number; cursor?: string }

const HELP = `
By the time when they are handed over: when they are due, or their retry is. Where there are more, the cursor for the next
page comes last: on standard error, or with --json as {"cursor": …}. Needs the store alone, and no RabbitMQ.

Examples:
  dueque list --redis redis://localhost --queue reminders --from 2030-01-31T00:00:00Z --to 2030-02-01T00:00:00Z
  dueque list --redis redis://localhost --limit 1000 --json | jq -r .id`

export function addList(command: Command, terminal: Terminal): void {
  addFilter(command)
    .option('--limit <n>', 'so many at most, 1 to 1000', wholeNumber, 100)
    .option('--cursor <cursor>', 'go on behind the page that ended with it')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => list(self.optsWithGlobals<Options>(), terminal))
}

async function list(options: Options, terminal: Terminal): Promise<void> {
  const { limit, cursor } = options
  const filter = filterOf(options)
  const page = await withWaitlist(options, terminal, (waiting) => waiting.list({ ...filter, limit, cursor }))
  if (terminal.json) {
    for (const message of page.messages) if (!(await terminal.printJson(waitingJson(message)))) return
    if (page.cursor !== undefined) await terminal.printJson({ cursor: page.cursor })
    return
  }
  await terminal.print(page.messages.length > 0 ? waitingTable(page.messages) : 'nothing waits')
  if (page.cursor !== undefined) terminal.note(`there may be more: --cursor ${page.cursor}`)
}
