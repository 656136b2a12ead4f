import type { Command } from 'commander'
import { number } from '../../progress.js'
import type { Settings } from '../../settings.js'
import { withWaitlist } from '../../stores/chosen-store.js'
import type { Terminal } from '../../terminal.js'
import { addFilter, filterOf, type FilterOptions } from '../../waiting-filter.js'

type Options = Settings & FilterOptions

const HELP = `
By time alone the store knows it at once; by name or destination it may have to look at all that waits in that time.

Example:
  dueque count --redis redis://localhost --to 2030-02-01T00:00:00Z`

export function addCount(command: Command, terminal: Terminal): void {
  addFilter(command)
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => {
      const options = self.optsWithGlobals<Options>()
      const filter = filterOf(options)
      const count = await withWaitlist(options, terminal, (waiting) => waiting.count(filter))
      await (terminal.json ? terminal.printJson({ count }) : terminal.print(number(count)))
    })
}
