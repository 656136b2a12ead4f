import type { Command } from 'commander'
import { parseEndpoints } from '../../amqp/connection/endpoint.js'
import { countMessages, rungVariants } from '../../operate/queue-roles.js'
import { deadQueue, Names } from '../../amqp/topology/names.js'
import { resolveOptions, type ResolvedOptions } from '../../options.js'
import { listQueues, overManagement } from '../management.js'
import { collect, connectOptions, managementOption, shardCount, type Settings } from '../settings.js'
import { reportOf, type StatusReport } from '../status-report.js'
import { textOf } from '../status-text.js'
import type { Terminal } from '../terminal.js'

type Options = Settings & { management?: string | false; queue?: string[]; shards: number }

const HELP = `
The management API knows everything. It is asked at --management, or for at most 2 s beside the broker (port 15672). Where
there is none, the queues are counted over AMQP, which shows less (the output says what) and leaves a line in the
broker's log for each of the 375 rungs that does not exist in one type or the other.

Examples:
  dueque status
  dueque status --json | jq .parked.messages
  dueque status --no-management --queue reminders`

export function addStatus(program: Command, terminal: Terminal): void {
  program
    .command('status')
    .description('count what waits (by rung), what is parked, and what is dead')
    .addOption(managementOption())
    .option('--no-management', 'count over AMQP alone')
    .option('--queue <queue>', 'whose dead queue to show; may be given several times (default: all)', collect)
    .option('--shards <n>', 'over AMQP: look for so many queues of each rung', shardCount, 1)
    .addHelpText('after', HELP)
    .action(async (_options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      const { queue = [] } = options
      const settings = resolveOptions(connectOptions(options, terminal))
      const report = (await counted(options, settings, terminal)) ?? (await overAmqp(options, settings, terminal))
      await (terminal.json ? terminal.printJson(report) : terminal.print(textOf(report, queue.length > 0)))
    })
}

/** Undefined where there is no management API. */
async function counted(
  { management, queue = [] }: Options,
  { url, namespace }: ResolvedOptions,
  terminal: Terminal,
): Promise<StatusReport | undefined> {
  const pattern = `^${escaped(new Names(namespace).prefix)}[.]|${escaped(deadQueue(''))}$`
  const result = await overManagement(management, parseEndpoints(url), async (api, { vhost }) =>
    reportOf(namespace, 'management', await listQueues(api, vhost, pattern), queue),
  )
  if ('answer' in result) return result.answer
  if (management !== false && !terminal.json) terminal.note(`${result.reason}; trying without`)
  return undefined
}

async function overAmqp({ queue = [], shards }: Options, settings: ResolvedOptions, terminal: Terminal) {
  const names = new Names(settings.namespace)
  const rungs = rungVariants(shards).map(({ rung, variant }) => names.wait(rung, variant))
  const queues = [names.unroutable, names.parked, ...queue.map(deadQueue), ...rungs]
  const progress = terminal.progress('counting', 'queues')
  const endpoints = parseEndpoints(settings.url)
  const counts = await countMessages({ ...settings, endpoints }, queues, (done) =>
    progress.update(done, done / queues.length),
  ).finally(() => progress.end())
  const whole = [...counts].map(([name, messages]) => [name, { messages, ready: messages }] as const)
  return reportOf(settings.namespace, 'amqp', new Map(whole), queue)
}

function escaped(text: string): string {
  return text.replace(/[.]/g, '[.]')
}
