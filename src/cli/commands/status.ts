import { InvalidArgumentError, type Command } from 'commander'
import { isHttpUrl } from '../../operate/http.js'
import { statusReport, type StatusOptions } from '../../operate/status.js'
import type { StatusReport } from '../../operate/status-report.js'
import { usage } from '../exit.js'
import { collect, managementOption, operatorOptions, shardCount, wholeNumber, type OperatorFlags } from '../settings.js'
import { statusLines } from '../status-text.js'
import { hasStore } from '../stores/store-options.js'
import type { Terminal } from '../terminal.js'

type Options = OperatorFlags & {
  queue?: string[]
  shards: number
  watch?: number | true
  metrics?: string[]
  probe: boolean
  rungs?: boolean
  waiting: boolean
}

const DEFAULT_SECONDS = 5

const HELP = `
By target: ready, waiting and dead messages, when the next and the last one is due, and when the oldest dead one died, for which the
first message of each dead queue is taken and given back. Waiting messages by target are those of a store (--redis, --postgres),
or of the journal in RabbitMQ; --no-waiting does not read them, which takes time where they are many. Without a store or a
journal they are not known. Then by purpose, with --rungs for each wait queue.

The management API knows everything. It is asked at --management, or for at most 2 s beside the broker (port 15672). Without
it, the queues are counted over AMQP, which shows less (the output says what) and leaves a line in the broker's log for
each of the 375 rungs that does not exist in one type or the other.

--watch looks again and again, until SIGINT or SIGTERM, and adds rates and lateness of the last minute. A terminal is redrawn;
anything else gets one line a look, with --json one document: the counts as without --watch, and
  {"at":"2026-01-31T09:00:00.000Z",…,"rates":{"scheduled":12.5,"delivered":12.1,"waiting":0.4,…},
   "lateness":{"source":"metrics","messages":726,"p50Ms":2,"p99Ms":11,"queues":[…],"problems":[],…}}
A broker that goes away is reported ({"at":…,"error":{…}}), and looked at again. Rates are those of the management API, or of the
exporters. Lateness is that of the exporters of --metrics, which are those of the consumers; without any, that of a
message with a delay of 1 s that is sent every 5 s to a queue of its own, which is deleted at the end. This message is in the
rates. It declares what any schedule declares; --no-probe sends none. Over AMQP, rungs that were declared meanwhile are
counted 10 minutes later at most.

Examples:
  dueque status
  dueque status --watch
  dueque status --watch 10 --metrics http://app-1:9464/metrics --metrics http://app-2:9464/metrics
  dueque status --watch --json --no-probe | jq .rates
  dueque status --json | jq .parked.messages
  dueque status --no-management --queue reminders`

export function addStatus(command: Command, terminal: Terminal): void {
  command
    .addOption(managementOption())
    .option('--no-management', 'count over AMQP alone')
    .option('--queue <queue>', 'a work queue to show, and no others; several times', collect)
    .option('--shards <n>', 'over AMQP: queues of each rung', shardCount, 1)
    .option('--rungs', 'show every wait queue with messages')
    .option('--no-waiting', 'do not read the store or the journal')
    .option('--watch [seconds]', `look again every few seconds (default: ${DEFAULT_SECONDS})`, seconds)
    .option('--metrics <url>', 'with --watch: an exporter of lateness; several times', collect)
    .option('--no-probe', 'with --watch: send no message')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => run(self.optsWithGlobals<Options>(), terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const { queue: queues = [], shards, watch, metrics = [], probe, rungs = false, waiting } = options
  if (watch === undefined && (metrics.length > 0 || !probe)) throw usage('--metrics and --no-probe are for --watch')
  if (!metrics.every(isHttpUrl)) throw usage('--metrics: expected a URL such as http://localhost:9464/metrics')
  const settings = {
    ...operatorOptions(options, terminal),
    queues,
    shards,
    onWithoutManagement: (reason: string) => {
      if (!terminal.json) terminal.note(`${reason}; trying without`)
    },
  }
  if (watch !== undefined) {
    const { watch: show } = await import('../watch/watch.js')
    const everyMs = (watch === true ? DEFAULT_SECONDS : watch) * 1000
    return show({ ...settings, everyMs, metrics, probe }, { rungs }, terminal)
  }
  const report = await reportFor(options, { ...settings, readWaiting: waiting }, terminal)
  const { times } = terminal
  const lines = () => statusLines(report, { asked: queues.length > 0, rungs, times })
  await (terminal.json ? terminal.printJson(report) : terminal.printLines(lines()))
}

async function reportFor(options: Options, settings: StatusOptions, terminal: Terminal): Promise<StatusReport> {
  const progress = terminal.progress('counting', 'queues')
  const reading: Partial<StatusOptions> = {
    onProgress: (done, whole) => progress.update(done, done / whole),
    onReading(read, whole) {
      progress.phase('reading the journal', 'records')
      progress.update(read, whole && read / whole)
    },
  }
  try {
    if (!options.waiting || !hasStore(options)) return await statusReport({ ...settings, ...reading })
    const { withStore } = await import('../stores/chosen-store.js')
    return await withStore(options, terminal, (store) => statusReport({ ...settings, ...reading, store }))
  } finally {
    progress.end()
  }
}

function seconds(text: string): number {
  const count = wholeNumber(text)
  if (count < 1 || count > 3600) throw new InvalidArgumentError('Expected a whole number from 1 to 3600.')
  return count
}
