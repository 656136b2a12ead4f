import type { Command } from 'commander'
import { statusReport } from '../../operate/status.js'
import { collect, managementOption, operatorOptions, shardCount, type OperatorFlags } from '../settings.js'
import { textOf } from '../status-text.js'
import type { Terminal } from '../terminal.js'

type Options = OperatorFlags & { queue?: string[]; shards: number }

const HELP = `
The management API knows everything. It is asked at --management, or for at most 2 s beside the broker (port 15672). Without
it, the queues are counted over AMQP, which shows less (the output says what) and leaves a line in the broker's log for
each of the 375 rungs that does not exist in one type or the other.

Examples:
  dueque status
  dueque status --json | jq .parked.messages
  dueque status --no-management --queue reminders`

export function addStatus(command: Command, terminal: Terminal): void {
  command
    .addOption(managementOption())
    .option('--no-management', 'count over AMQP alone')
    .option('--queue <queue>', 'whose dead queue to show; may be given several times (default: all)', collect)
    .option('--shards <n>', 'over AMQP: look for so many queues of each rung', shardCount, 1)
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => status(self.optsWithGlobals<Options>(), terminal))
}

async function status(options: Options, terminal: Terminal): Promise<void> {
  const { queue: queues = [], shards } = options
  const report = await terminal.tracking('counting', 'queues', (onProgress) =>
    statusReport({
      ...operatorOptions(options, terminal),
      queues,
      shards,
      onProgress,
      onWithoutManagement: (reason) => {
        if (!terminal.json) terminal.note(`${reason}; trying without`)
      },
    }),
  )
  await (terminal.json ? terminal.printJson(report) : terminal.print(textOf(report, queues.length > 0)))
}
