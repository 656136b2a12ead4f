import type { Command } from 'commander'
import { parseEndpoints, type Endpoint } from '../../amqp/endpoint.js'
import { countMessages, rungVariants } from '../../amqp/inspect.js'
import { deadQueue, Names } from '../../amqp/names.js'
import { resolveOptions, type ResolvedOptions } from '../../options.js'
import { CommandError } from '../exit.js'
import { listQueues, managementAt, managementBeside, type ManagementApi } from '../management.js'
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
      const report =
        (await overManagement(options, settings, terminal)) ?? (await overAmqp(options, settings, terminal))
      await (terminal.json ? terminal.printJson(report) : terminal.print(textOf(report, queue.length > 0)))
    })
}

/** Undefined where there is no management API; one that was named must answer. */
async function overManagement(
  { management, queue = [] }: Options,
  { url, namespace }: ResolvedOptions,
  terminal: Terminal,
): Promise<StatusReport | undefined> {
  if (management === false) return undefined
  const pattern = `^${escaped(new Names(namespace).prefix)}[.]|${escaped(deadQueue(''))}$`
  const report = async (api: ManagementApi, { vhost }: Endpoint) =>
    reportOf(namespace, 'management', await listQueues(api, vhost, pattern), queue)
  const endpoints = parseEndpoints(url)
  if (management !== undefined) return report(managementAt(management, endpoints[0]!), endpoints[0]!)
  for (const endpoint of endpoints) {
    try {
      return await report(managementBeside(endpoint), endpoint)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      if (!terminal.json) terminal.note(`${error.message}; trying without`)
    }
  }
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
