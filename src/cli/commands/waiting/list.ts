import type { Command } from 'commander'
import { EXACT, viewMethods } from '../../../schedule/view-methods.js'
import { wholeNumber, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'
import { addFilter, filterOf, type FilterOptions } from '../../waiting-filter.js'
import { waitingJson, waitingTable } from '../../waiting-text.js'
import { withWaiting } from '../../with-waiting.js'

type Options = Settings & FilterOptions & { limit: number; cursor?: string }

const HELP = `
Messages are sorted by the time at which they are handed over: when they are due, or their retry is. If there are more, the cursor
for the next page comes last: on standard error, or with --json as {"cursor": …}.

With a store (--redis, --postgres) no RabbitMQ is needed. Without one, the journal in RabbitMQ is read: ladder({ journal: true }).

Examples:
  dueque list --queue reminders --from 2030-01-31T00:00:00Z
  dueque list --id-prefix appointment-42/ --header tenant=clinic-3
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
  const asked = { ...filterOf(options), limit, cursor }
  const page = await withWaiting(options, terminal, (waiting) => viewMethods(waiting, EXACT).list(asked))
  if (terminal.json) {
    for (const message of page.messages) if (!(await terminal.printJson(waitingJson(message)))) return
    if (page.cursor !== undefined) await terminal.printJson({ cursor: page.cursor })
    return
  }
  await terminal.print(page.messages.length > 0 ? waitingTable(page.messages, terminal.times) : 'nothing waits')
  if (page.cursor !== undefined) terminal.note(`there may be more: --cursor ${page.cursor}`)
}
