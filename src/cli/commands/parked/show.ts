import type { Command } from 'commander'
import type { Settings } from '../../settings.js'
import { idOf, notFound, withStorage } from '../../storage.js'
import { detailsOf, textOfDetails } from '../../stored-text.js'
import type { Terminal } from '../../terminal.js'

type Options = Settings & { full?: boolean }

export function addShow(parked: Command, terminal: Terminal): void {
  parked
    .command('show')
    .description('show one parked message: properties, headers and body (base64 if it is not UTF-8)')
    .argument('<id>', 'if there are copies, the first is shown')
    .option('--full', 'the whole body, instead of its first 1000 bytes')
    .action(async (id: string, _options: Options, command: Command) => show(id, command.optsWithGlobals(), terminal))
}

async function show(id: string, options: Options, terminal: Terminal): Promise<void> {
  const details = await withStorage(
    options,
    terminal,
    ({ parked }) => parked,
    async (queue) => {
      for await (const stored of queue.messages()) {
        if (idOf(stored) === id) return detailsOf(stored, options.full ?? false)
      }
      throw notFound([id], queue.name)
    },
  )
  await (terminal.json ? terminal.printJson(details) : terminal.print(textOfDetails(details)))
}
