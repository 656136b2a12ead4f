import type { Command } from 'commander'
import { number } from '../../progress.js'
import { wholeNumber, type Settings } from '../../settings.js'
import { withStorage } from '../../storage.js'
import { summaryOf, tableOf, type Summary } from '../../stored-text.js'
import type { Terminal } from '../../terminal.js'

const HELP = `
Each message is taken and given back; with a --limit the broker may put those at the end. One that another process holds
for a moment is not seen. PARKED is empty for what was parked by a version of dueque that did not write it down.`

export function addList(parked: Command, terminal: Terminal): void {
  parked
    .command('list')
    .description('list parked messages, from the head of their queue')
    .option('--limit <n>', 'messages at most', wholeNumber, 100)
    .addHelpText('after', HELP)
    .action(async (_options: Settings, command: Command) => list(command.optsWithGlobals(), terminal))
}

async function list(options: Settings & { limit: number }, terminal: Terminal): Promise<void> {
  const progress = terminal.progress('looking', 'messages')
  const look = withStorage(
    options,
    terminal,
    ({ parked }) => parked,
    async (queue) => {
      const found: Summary[] = []
      const most = Math.min(options.limit, queue.count)
      for await (const stored of queue.messages(options.limit)) {
        found.push(summaryOf(stored))
        progress.update(found.length, found.length / most)
      }
      return { found, count: queue.count }
    },
  )
  const { found, count } = await look.finally(() => progress.end())
  if (terminal.json) {
    for (const one of found) if (!(await terminal.printJson(one))) return
    return
  }
  await terminal.print(found.length > 0 ? tableOf(found) : `${number(count)} parked`)
  if (found.length < count) terminal.note(`${number(found.length)} of ${number(count)} (--limit)`)
}
