import { setTimeout as pause } from 'node:timers/promises'
import { Option, type Command } from 'commander'
import { parseEndpoints, type Endpoint } from '../../amqp/connection/endpoint.js'
import { Names } from '../../amqp/topology/names.js'
import { amqpFacts } from '../../operate/doctor/amqp-facts.js'
import { examine, within } from '../../operate/doctor/checks.js'
import type { ManagementFacts } from '../../operate/doctor/facts.js'
import { worst } from '../../base/finding.js'
import { mayBeJammed } from '../../operate/doctor/jams.js'
import { judgeTrip, roundTrip, tripLeftOut } from '../../operate/doctor/round-trip.js'
import { parseDelay } from '../../message/due.js'
import { resolveOptions } from '../../options.js'
import { EXIT } from '../exit.js'
import { findingsText } from '../findings-text.js'
import { lookAtQueues, managementFacts, nothingKnown } from '../../operate/doctor/management-facts.js'
import { managementAt, managementBeside, type ManagementApi } from '../../operate/management/api.js'
import { collect, connectOptions, shardCount, type Settings } from '../settings.js'
import { Stop } from '../stop.js'
import { storeFindings } from '../stores/store-findings.js'
import type { Terminal } from '../terminal.js'

type Options = Settings & {
  management?: string | false
  queue?: string[]
  shards: number
  patience: string
  roundTrip: boolean
}

/** Apart enough for RabbitMQ to have counted again (every 5 s). */
const LOOK_EVERY_MS = 6000

const HELP = `
Looks at the broker, this user's permissions, policies, the layout, destinations, and messages that hang; says what to do.
The management API knows most of it. It is asked at --management, or for at most 2 s beside the broker (port 15672);
without it the rest is checked over AMQP. To find out permissions, it asks for things that the broker must deny: some lines
in the broker's log. A message that hangs is told from one that is just on its way by --patience: where messages are being
handed over at the first look, doctor looks again until then, every 6 s.
The round trip sends a message with a delay of 1 s to a queue that it takes away again, and declares on the broker what any
schedule declares; --no-round-trip changes nothing there.
With --redis, also how that server keeps what waits, and what it does when its memory is full. With --postgres, its schema,
this user's rights there, autovacuum, LISTEN, clocks, and messages that nobody claims or takes.
With --topology trust, the permissions are those of a user for whom an operator has declared everything, a producer or
with --queue a consumer; rungs must all be there, and there is no round trip, because its queue would have to be declared.

Examples:
  dueque doctor
  dueque doctor --queue reminders --patience 60s
  dueque doctor --topology trust --queue reminders --url amqp://consumer@rabbit
  dueque doctor --redis redis://localhost
  dueque doctor --postgres postgres://app@localhost/app
  dueque doctor --json --no-round-trip | jq '.findings[] | select(.severity == "error")'`

export function addDoctor(program: Command, terminal: Terminal): void {
  const url = 'the management API; user and password of --url if it has none'
  program
    .command('doctor')
    .description('find what would delay, lose or jam messages, and say what to do')
    .addOption(new Option('--management <url>', url).env('RABBITMQ_MANAGEMENT_URL'))
    .option('--no-management', 'check over AMQP alone')
    .option('--queue <queue>', 'also check the permissions to consume it; may be given several times', collect)
    .option('--shards <n>', 'queues that each rung should have', shardCount, 1)
    .option('--patience <duration>', 'how long messages that hang are watched', '6s')
    .option('--no-round-trip', 'send no message')
    .addHelpText('after', HELP)
    .action(async (_options: Options, command: Command) => {
      process.exitCode = await run(command.optsWithGlobals<Options>(), terminal)
    })
}

async function run(options: Options, terminal: Terminal): Promise<number> {
  const { namespace, queueType, topology, ...settings } = resolveOptions(connectOptions(options, terminal))
  const patienceMs = parseDelay(options.patience, 'patience')
  const endpoints = parseEndpoints(settings.url)
  const names = new Names(namespace)
  const { vhost, user } = endpoints[0]!
  const queues = options.queue ?? []
  const known = await amqpFacts({ ...settings, endpoints }, names, { queues, topology })
  const management = await managed(options, endpoints, names, patienceMs)
  const findings = examine({
    names,
    queueType,
    topology,
    shards: options.shards,
    queues,
    vhost,
    user,
    ...known,
    management,
  })
  findings.push(...within('store', await storeFindings(options)))
  const stop = new Stop(terminal)
  if (options.roundTrip) {
    const trip =
      topology === 'trust'
        ? tripLeftOut()
        : judgeTrip(await roundTrip({ ...settings, namespace, queueType, topology }, stop.signal))
    findings.push(...within('round trip', [trip]))
  }
  const severity = worst(findings)
  await (terminal.json
    ? terminal.printJson({ namespace, vhost, severity, findings })
    : terminal.print(findingsText(findings)))
  const { reason } = stop
  stop.now('done')
  if (reason === 'SIGINT' || reason === 'SIGTERM') return EXIT[reason]
  return severity === 'error' ? EXIT.errors : severity === 'warning' ? EXIT.warnings : EXIT.ok
}

/** From the first management API that answers; more than one look only where messages may hang. */
async function managed(
  { management }: Options,
  endpoints: readonly Endpoint[],
  names: Names,
  patienceMs: number,
): Promise<ManagementFacts> {
  if (management === false) return nothingKnown('--no-management')
  const apis = management === undefined ? endpoints.map(managementBeside) : [managementAt(management, endpoints[0]!)]
  let facts = nothingKnown('none')
  for (const [i, api] of apis.entries()) {
    const { vhost } = endpoints[i]!
    facts = await managementFacts(api, vhost, names)
    if (!facts.overview) continue
    await watch(facts, api, vhost, names, patienceMs)
    break
  }
  return facts
}

async function watch(
  { looks }: ManagementFacts,
  api: ManagementApi,
  vhost: string,
  names: Names,
  patienceMs: number,
): Promise<void> {
  const [first] = looks ?? []
  if (!looks || !first || !mayBeJammed(first, { names })) return
  const until = first.at + patienceMs
  while (performance.now() < until) {
    await pause(Math.min(LOOK_EVERY_MS, until - performance.now()))
    looks.push(await lookAtQueues(api, vhost))
  }
}
