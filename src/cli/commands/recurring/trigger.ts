import type { Command } from 'commander'
import { destinationText } from '../../../message/destination.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import type { Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

export function addTrigger(group: Command, terminal: Terminal): void {
  group
    .command('trigger')
    .description('send one occurrence now, also of a paused schedule')
    .argument('<id>', 'of the schedule')
    .action(async (id: string, _options: Settings, self: Command) =>
      trigger(id, self.optsWithGlobals<Settings>(), terminal),
    )
}

async function trigger(id: string, options: Settings, terminal: Terminal): Promise<void> {
  const receipt = await withRecurring(options, terminal, (recurring) => recurring.trigger(id))
  const text = `sent ${plain(receipt.id)} to ${plain(destinationText(receipt.destination))}`
  await (terminal.json ? terminal.printJson(receipt) : terminal.print(text))
}
