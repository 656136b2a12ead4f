import type { Command } from 'commander'
import { wholeNumber, type Settings } from '../../settings.js'
import { withWaitlist } from '../../stores/chosen-store.js'
import type { Terminal } from '../../terminal.js'
import { waitingDetails, waitingJson } from '../../waiting-text.js'
import { notWaiting, targetOf } from './target.js'

type Options = Settings & { revision?: number }

export function addShow(command: Command, terminal: Terminal): void {
  command
    .argument('<id>', 'of several, the latest')
    .option('--revision <n>', 'the revision that it has', wholeNumber)
    .action(async (id: string, _options: Options, self: Command) => {
      const options = self.optsWithGlobals<Options>()
      const target = targetOf(id, options.revision)
      const message = await withWaitlist(options, terminal, (waiting) => waiting.get(target))
      if (!message) throw notWaiting(id)
      await (terminal.json ? terminal.printJson(waitingJson(message)) : terminal.print(waitingDetails(message)))
    })
}
