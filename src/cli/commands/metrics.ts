import type { Command } from 'commander'
import { startMetrics, type MetricsProcess } from '../../operate/metrics/metrics-process.js'
import type { OnSourceNews } from '../../operate/metrics/source-states.js'
import { CONTENT_TYPE, exposition } from '../../telemetry/prometheus/exposition.js'
import { EXIT, exitCodeOf } from '../exit.js'
import { healthServer } from '../health-server.js'
import { collect, managementOption, operatorOptions, shardCount, wholeNumber, type OperatorFlags } from '../settings.js'
import { Stop } from '../stop.js'
import { lateStore } from '../stores/late-store.js'
import type { Terminal } from '../terminal.js'

type Options = OperatorFlags & { port: number; host: string; queue?: string[]; shards: number }

const HELP = `
Answers /metrics for Prometheus: waiting messages by unit, parked and dead ones, connections; with --redis or --postgres also the
next due time, and how far relays are behind. Broker and store are asked at each scrape, and at most every 2 s. While one of them
is away, from the start or later, the answer is dueque_up 0, without its other metrics. Lateness and failures are known to consumers alone: the telemetry
dueque/prometheus of their own processes.

The management API knows most. It is asked at --management, and messages are not counted while that one is away; or for at most 2 s
beside the broker (port 15672). Otherwise queues are counted over AMQP, and dueque_counts_complete is 0: connections and
outlets are not counted, dead queues are those of --queue, a new rung is noticed within 10 minutes, and each of these looks leaves a
line in the broker's log for each rung that is missing.

The port answers this host alone, unless --host is another address, such as 0.0.0.0. Its paths / and /health answer with 200, or with 503 while a source
is away, and JSON: {"ok":true,"up":{"broker":true,"management":true}}

Examples:
  dueque metrics --port 9465
  dueque metrics --port 9465 --host 0.0.0.0   # in a container
  DUEQUE_POSTGRES_URL=postgres://app:secret@db/app \\
    dueque metrics --port 9465 --management http://rabbit:15672`

export function addMetrics(command: Command, terminal: Terminal): void {
  command
    .requiredOption('--port <port>', 'answer scrapes there; 0 for any free port', wholeNumber)
    .option('--host <host>', 'address of that port', '127.0.0.1')
    .addOption(managementOption())
    .option('--no-management', 'count over AMQP alone')
    .option('--queue <queue>', 'whose dead queue to count; several times (default: all)', collect)
    .option('--shards <n>', 'over AMQP: queues of each rung', shardCount, 1)
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => run(self.optsWithGlobals<Options>(), terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const stop = new Stop(terminal)
  const { port, host, queue: queues = [], shards } = options
  const settings = operatorOptions(options, terminal)
  const store = lateStore(options, (error) => terminal.error(error))
  // One that is away is looked for again at each scrape.
  const asked = Promise.resolve(store?.get()).catch((error: unknown) => {
    if (exitCodeOf(error) === EXIT.usage) throw error
  })
  await stop.started(asked)
  // A lost connection is news of its source.
  const onNews = newsTo(terminal, Boolean(settings.management))
  const metrics = startMetrics({ ...settings, logger: false, queues, shards, store, onNews })
  try {
    if (settings.management === false && !terminal.json)
      terminal.note(`the management API is not asked: ${CONSEQUENCE.management}`)
    await serve(metrics, { port, host, option: '--port' }, { terminal, stop })
  } finally {
    await metrics.close()
    await store?.close()
  }
}

async function serve(
  metrics: MetricsProcess,
  address: { port: number; host: string; option: string },
  { terminal, stop }: { terminal: Terminal; stop: Stop },
): Promise<void> {
  const health = async () => {
    const { up } = await metrics.scrape()
    return { ok: Object.values(up).every((one) => one), up }
  }
  const page = async () => ({ status: 200, type: CONTENT_TYPE, text: exposition((await metrics.scrape()).samples) })
  const server = await healthServer(address, health, { '/metrics': page })
  if (terminal.json) await terminal.printJson({ metrics: 'started', port: server.port })
  else terminal.note(`metrics at http://${address.host}:${server.port}/metrics`)
  await stop.wait()
  server.close()
  if (terminal.json) await terminal.printJson({ metrics: 'stopped' })
}

/** @param isNamed whether the management API was named: nobody else counts then */
function newsTo(terminal: Terminal, isNamed: boolean): OnSourceNews {
  return (source, reason) => {
    const consequence = CONSEQUENCE[source === 'management' && isNamed ? 'counts' : source]
    if (reason !== undefined) terminal.warn(`${AWAY[source]}: ${consequence}`, { reason })
    else if (!terminal.json) terminal.note(BACK[source])
  }
}

const AWAY = {
  broker: 'RabbitMQ does not answer',
  counts: 'queues cannot be counted',
  management: 'the management API does not answer',
  store: 'the store does not answer',
} as const

const BACK = {
  broker: 'RabbitMQ answers again',
  counts: 'queues are counted again',
  management: 'the management API answers again',
  store: 'the store answers again',
} as const

const CONSEQUENCE = {
  broker: 'dueque_up is 0',
  counts: 'dueque_up is 0, and messages are not counted',
  management:
    'without it, dueque_connections, dueque_rungs_backed_up and dueque_messages_in_outlets are missing, and dueque_messages_dead ' +
    'but for queues of --queue',
  store: 'dueque_up is 0, and its waiting messages are not counted',
} as const
