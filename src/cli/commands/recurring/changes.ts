import type { Command } from 'commander'
import type { Recurring } from '../../../index.js'
import { EXIT } from '../../exit.js'
import { noSuchSchedule } from '../../recurring/no-such-schedule.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import type { Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

type Change = 'pause' | 'resume' | 'remove'

const CHANGES: Record<Change, { done: string; description: string }> = {
  pause: { done: 'paused', description: 'send nothing until it is resumed, and cancel waiting occurrences' },
  resume: { done: 'resumed', description: 'go on with the first time after now' },
  remove: { done: 'removed', description: 'remove schedules, and cancel their waiting occurrences' },
}

/** Pause, resume, remove. */
export function addChanges(group: Command, terminal: Terminal): void {
  for (const [name, { description }] of Object.entries(CHANGES) as [Change, { description: string }][])
    group
      .command(name)
      .description(description)
      .argument('<id...>', 'of the schedules')
      .action(async (ids: string[], _options: Settings, self: Command) => {
        await change(name, ids, self.optsWithGlobals<Settings>(), terminal)
      })
}

async function change(name: Change, ids: readonly string[], options: Settings, terminal: Terminal): Promise<void> {
  await withRecurring(options, terminal, async (recurring: Pick<Recurring, Change>) => {
    for (const id of ids) {
      const wasThere = await recurring[name](id)
      if (!wasThere) process.exitCode = EXIT.partial
      const { done } = CHANGES[name]
      if (terminal.json) await terminal.printJson({ id, [done]: wasThere })
      else if (wasThere) await terminal.print(`${done} ${plain(id)}`)
      else terminal.error(noSuchSchedule(id))
    }
  })
}
