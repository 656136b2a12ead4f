import { counted } from '../../../base/counted.js'
import type { Command } from 'commander'
import { meansAll } from '../../../operate/failed/failed-filter.js'
import { purgeFailed, type PurgeFailedOptions } from '../../../operate/failed/purge-failed.js'
import { isConfirmed } from '../../confirm.js'
import { EXIT, usage } from '../../exit.js'
import type { FailedSummary } from '../../../operate/failed/failed-kind.js'
import { addFilter, filterOf, filterText, type FilterFlags } from '../../failed/filter-options.js'
import type { FailedGroup } from '../../failed/group.js'
import { notFound, orQueueMissing } from '../../failed/missing.js'
import { number } from '../../progress.js'
import { dryRunOption, operatorOptions, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

type Flags = Settings & FilterFlags & { yes?: boolean; dryRun?: boolean }

const HELP = `
Removes for good. Asks first on a terminal; anywhere else --yes is needed. Exits with 1 if the answer is no.`

export function addPurge<S extends FailedSummary>(parent: Command, group: FailedGroup<S>, terminal: Terminal): void {
  const command = parent.command('purge').description(`remove ${group.word} messages for good (default: all)`)
  if (group.argument) command.argument(...group.argument)
  addFilter(command, group)
    .option('--yes', 'do not ask')
    .addOption(dryRunOption())
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      await purge(group, this.args, this.optsWithGlobals(), terminal)
    })
}

async function purge<S extends FailedSummary>(
  group: FailedGroup<S>,
  args: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  const { yes, dryRun } = flags
  if (!yes && !dryRun && !process.stdin.isTTY) throw usage('purge removes messages for good: confirm with --yes')
  const filter = filterOf(flags)
  const confirm: PurgeFailedOptions['confirm'] = ({ name, count }) => {
    const what = meansAll(filter)
      ? `all of ${counted(count, 'message', 'messages', number)}`
      : `the messages ${filterText(filter)}`
    return isConfirmed(`Remove ${what} of ${name} for good?`)
  }
  const options = { ...operatorOptions(flags, terminal), filter, dryRun, confirm: yes ? undefined : confirm }
  const work = purgeFailed(group.kindOf(args), options)
  const { queue, removed, missing, confirmed } = await orQueueMissing(work, group, args, flags, terminal)
  if (missing.length > 0) terminal.error(notFound(missing, queue))
  const done = dryRun ? 'would be removed' : 'removed'
  await (terminal.json ? terminal.printJson({ removed, dryRun }) : terminal.print(`${number(removed)} ${done}`))
  process.exitCode = dryRun || (confirmed && missing.length === 0) ? EXIT.ok : EXIT.partial
}
