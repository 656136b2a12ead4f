import { Option, type Command } from 'commander'
import type { CountUnit, WaitingCount } from '../../../index.js'
import { EXACT, viewMethods } from '../../../schedule/view-methods.js'
import { number } from '../../progress.js'
import type { Settings } from '../../settings.js'
import { tableOf, type Column } from '../../table.js'
import type { Terminal } from '../../terminal.js'
import { addFilter, filterOf, type FilterOptions } from '../../waiting-filter.js'
import { withWaiting } from '../../with-waiting.js'

type Options = Settings & FilterOptions & { by?: CountUnit }

const HELP = `
A store (--redis, --postgres) counts by time alone at once; with another filter it may have to look at every message of that
time. Without a store, the journal in RabbitMQ is read: ladder({ journal: true }).

Examples:
  dueque count --queue reminders --to 2030-02-01T00:00:00Z
  dueque count --by hour --redis redis://localhost`

export function addCount(command: Command, terminal: Terminal): void {
  addFilter(command)
    .addOption(
      new Option('--by <unit>', 'a count for each minute, hour or day of UTC').choices(['minute', 'hour', 'day']),
    )
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => {
      const options = self.optsWithGlobals<Options>()
      await (options.by === undefined ? count(options, terminal) : countBy(options.by, options, terminal))
    })
}

async function count(options: Options, terminal: Terminal): Promise<void> {
  const filter = filterOf(options)
  const all = await withWaiting(options, terminal, (waiting) => viewMethods(waiting, EXACT).count(filter))
  await (terminal.json ? terminal.printJson({ count: all }) : terminal.print(number(all)))
}

const COLUMNS: readonly Column<WaitingCount>[] = [
  ['from', ({ from }) => from],
  ['messages', ({ count: messages }) => messages],
]

async function countBy(unit: CountUnit, options: Options, terminal: Terminal): Promise<void> {
  const filter = filterOf(options)
  const counts = await withWaiting(options, terminal, (waiting) => viewMethods(waiting, EXACT).countBy(unit, filter))
  if (terminal.json) {
    for (const one of counts) if (!(await terminal.printJson(one))) return
    return
  }
  await terminal.print(counts.length > 0 ? tableOf(counts, COLUMNS, terminal.times) : 'nothing waits')
}
