import type { Command } from 'commander'
import { listFailed } from '../../../operate/failed/list-failed.js'
import type { FailedSummary } from '../../../operate/failed/failed-kind.js'
import { addFilter, filterOf, type FilterFlags } from '../../failed/filter-options.js'
import type { FailedGroup } from '../../failed/group.js'
import { orQueueMissing } from '../../failed/missing.js'
import { tableOf } from '../../table.js'
import { number } from '../../progress.js'
import { operatorOptions, wholeNumber, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

type Flags = Settings & FilterFlags & { limit: number }

const HELP = `
Every message is taken and given back, so that they keep their order. A message that another process holds for a moment is
not seen.`

export function addList<S extends FailedSummary>(parent: Command, group: FailedGroup<S>, terminal: Terminal): void {
  const command = parent.command('list').description(`list ${group.word} messages, from the head of their queue`)
  if (group.argument) command.argument(...group.argument)
  addFilter(command, group)
    .option('--limit <n>', 'messages shown at most; counted are all', wholeNumber, 100)
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      await list(group, this.args, this.optsWithGlobals(), terminal)
    })
}

async function list<S extends FailedSummary>(
  group: FailedGroup<S>,
  args: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  const options = { ...operatorOptions(flags, terminal), filter: filterOf(flags), limit: flags.limit }
  const look = terminal.tracking('looking', 'messages', (onProgress) =>
    listFailed(group.kindOf(args), { ...options, onProgress }),
  )
  const { messages, count, ...found } = await orQueueMissing(look, group, args, flags, terminal)
  const reasons = group.hasReasons ? [...found.reasons] : []
  if (terminal.json) {
    for (const one of messages) if (!(await terminal.printJson(one))) return
    if (group.hasReasons) await terminal.printJson({ count, reasons: Object.fromEntries(reasons) })
    return
  }
  await terminal.print(messages.length > 0 ? tableOf(messages, group.columns) : `${number(count)} ${group.word}`)
  if (reasons.length > 0) await terminal.print(reasons.map(([reason, n]) => `${number(n)} ${reason}`).join(', '))
  if (messages.length < count) terminal.note(`${number(messages.length)} of ${number(count)} (--limit)`)
}
