import type { Command } from 'commander'
import { listFailed } from '../../../operate/failed/list-failed.js'
import type { FailedSummary } from '../../../operate/failed/failed-kind.js'
import { meansAll } from '../../../operate/failed/failed-filter.js'
import { addFilter, filterOf, type FilterFlags } from '../../failed/filter-options.js'
import type { FailedGroup } from '../../failed/group.js'
import { orQueueMissing } from '../../failed/missing.js'
import { tableOf } from '../../table.js'
import { number } from '../../progress.js'
import { usage } from '../../exit.js'
import { managementOption, operatorOptions, wholeNumber, type OperatorFlags } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

type Flags = OperatorFlags & FilterFlags & { limit: number }

const HELP = `
Every message is taken and given back, so that they keep their order. A message that another process holds for a moment is
not seen.`

export function addList<S extends FailedSummary>(parent: Command, group: FailedGroup<S>, terminal: Terminal): void {
  const command = parent.command('list').description(`list ${group.word} messages, from the head of their queue`)
  const { argument, listQueues } = group
  if (argument && listQueues) command.argument(argument[0].replace(/^<(.*)>$/, '[$1]'), `${argument[1]} (default: all)`)
  if (listQueues) command.addOption(managementOption())
  addFilter(command, group)
    .option('--limit <n>', 'messages shown at most; all are counted', wholeNumber, 100)
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      const flags = this.optsWithGlobals<Flags>()
      if (listQueues && this.args.length === 0) return listAll(listQueues, flags, terminal)
      await list(group, this.args, flags, terminal)
    })
}

async function listAll(
  listQueues: NonNullable<FailedGroup['listQueues']>,
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  if (!meansAll(filterOf(flags))) throw usage('a filter chooses messages of one queue: name the queue')
  await listQueues(flags, terminal)
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
  const reasons = group.reasons ? [...found.reasons] : []
  if (terminal.json) {
    for (const one of messages) if (!(await terminal.printJson(one))) return
    if (group.reasons) await terminal.printJson({ count, reasons: Object.fromEntries(reasons) })
    return
  }
  await terminal.print(
    messages.length > 0 ? tableOf(messages, group.columns, terminal.times) : `${number(count)} ${group.word}`,
  )
  if (reasons.length > 0) await terminal.print(reasons.map(([reason, n]) => `${number(n)} ${plain(reason)}`).join(', '))
  if (messages.length < count) terminal.note(`${number(messages.length)} of ${number(count)} (--limit)`)
}
