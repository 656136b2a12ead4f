import type { Command } from 'commander'
import type { RecurringListOptions } from '../../../index.js'
import { usage } from '../../exit.js'
import { recurringTable } from '../../recurring/recurring-text.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import { wholeNumber, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

type Options = Settings & RecurringListOptions

const HELP = `
Schedules are sorted by id. If there are more, the cursor for the next page comes last: on standard error, or with --json as
{"cursor": …}.`

export function addList(group: Command, terminal: Terminal): void {
  group
    .command('list')
    .description('list the schedules, with their next times')
    .option('--id-prefix <text>', 'just those whose id begins with this text')
    .option('--limit <n>', 'so many at most, 1 to 1000', wholeNumber, 100)
    .option('--cursor <cursor>', 'go on behind the page that ended with it')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => list(self.optsWithGlobals<Options>(), terminal))
}

async function list(options: Options, terminal: Terminal): Promise<void> {
  const { idPrefix, limit, cursor } = options
  // Often a variable that is not set: it would fit every schedule.
  if (idPrefix === '') throw usage('--id-prefix: expected a text, got ""')
  const page = await withRecurring(options, terminal, (recurring) => recurring.list({ idPrefix, limit, cursor }))
  if (terminal.json) {
    for (const schedule of page.schedules) if (!(await terminal.printJson(schedule))) return
    if (page.cursor !== undefined) await terminal.printJson({ cursor: page.cursor })
    return
  }
  await terminal.print(
    page.schedules.length > 0 ? recurringTable(page.schedules, terminal.times) : 'no recurring messages',
  )
  if (page.cursor !== undefined) terminal.note(`there are more: --cursor ${page.cursor}`)
}
