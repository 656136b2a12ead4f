import type { Command } from 'commander'
import { showFailed } from '../../../operate/failed/show-failed.js'
import type { FailedSummary } from '../../../operate/failed/failed-kind.js'
import type { FailedGroup } from '../../failed/group.js'
import { notFound, orQueueMissing, queueOf } from '../../failed/missing.js'
import { textOfDetails } from '../../failed/details-text.js'
import { operatorOptions, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

type Flags = Settings & { full?: boolean }

const HELP = `
A body that is not UTF-8 is shown in base64.`

export function addShow<S extends FailedSummary>(parent: Command, group: FailedGroup<S>, terminal: Terminal): void {
  const command = parent.command('show').description(`show one ${group.word} message: properties, headers and body`)
  if (group.argument) command.argument(...group.argument)
  command
    .argument('<id>', 'if there are copies, the first is shown')
    .option('--full', 'the whole body, instead of its first 1000 bytes')
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      await show(group, this.args, this.optsWithGlobals(), terminal)
    })
}

async function show<S extends FailedSummary>(
  group: FailedGroup<S>,
  args: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  const id = args.at(-1)!
  const options = { ...operatorOptions(flags, terminal), full: flags.full }
  const look = showFailed(group.kindOf(args), id, options)
  const found = await orQueueMissing(look, group, args, flags, terminal)
  if (!found) throw notFound([id], queueOf(group, args, flags, terminal))
  const { summary, details } = found
  if (terminal.json) await terminal.printJson({ ...summary, ...details })
  else await terminal.print(textOfDetails(summary, group.rows, details, terminal.times))
}
