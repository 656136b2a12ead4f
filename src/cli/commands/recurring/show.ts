import type { Command } from 'commander'
import { recurringDetails, SHOWN_TIMES } from '../../recurring/recurring-text.js'
import { noSuchSchedule } from '../../recurring/no-such-schedule.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import type { Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

export function addShow(group: Command, terminal: Terminal): void {
  group
    .command('show')
    .description('show one schedule, with its payload and its next ten times')
    .argument('<id>', 'of the schedule')
    .action(async (id: string, _options: Settings, self: Command) =>
      show(id, self.optsWithGlobals<Settings>(), terminal),
    )
}

async function show(id: string, options: Settings, terminal: Terminal): Promise<void> {
  await withRecurring(options, terminal, async (recurring) => {
    const schedule = await recurring.get(id)
    if (!schedule) throw noSuchSchedule(id)
    const next = await recurring.next(id, SHOWN_TIMES)
    await (terminal.json
      ? terminal.printJson({ ...schedule, next })
      : terminal.print(recurringDetails(schedule, next, terminal.times)))
  })
}
