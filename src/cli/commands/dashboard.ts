import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import { connect } from '../../connect.js'
import type { Access } from '../../dashboard/access.js'
import { newDashboard } from '../../dashboard/dashboard.js'
import { isLoopback } from '../../dashboard/http/same-site.js'
import type { Strategy } from '../../index.js'
import { hasJournal } from '../../operate/has-journal.js'
import { isHttpUrl } from '../../operate/http.js'
import { operatorSettings } from '../../operate/operator-settings.js'
import { ladder } from '../../strategies/ladder/ladder.js'
import { storeStrategy } from '../../strategies/store/store-strategy.js'
import { usage } from '../exit.js'
import { collect, managementOption, operatorOptions, wholeNumber, type OperatorFlags } from '../settings.js'
import { Stop } from '../stop.js'
import { chosenStore } from '../stores/chosen-store.js'
import { hasStore } from '../stores/store-options.js'
import type { Terminal } from '../terminal.js'
import { watched } from '../with-dueque.js'

type Options = OperatorFlags & {
  port: number
  host: string
  allowHost?: string[]
  allowWrites?: boolean
  payloads?: boolean
  metrics?: string[]
  probe: boolean
}

const HELP = `
Waiting messages by time, lateness, dead and parked messages, recurring ones, and the rungs of the ladder. Each waiting message is shown
if there is a store (--redis, --postgres), or a journal in RabbitMQ, which is looked for at the start.

It answers this host alone, and there is no login: whoever can use this host can look. --host is another address; then put a
login in front of it. A request by another name than that address, such as that of a proxy, is refused, unless --allow-host names it.
Without --allow-writes nothing can be changed, and without --payloads no payload is shown.

Lateness is that of the consumers, by the exporters of --metrics; without any, that of a message with a delay of 1 s, sent every
5 s while somebody looks, to a queue of its own. --no-probe sends none. Dead queues and rates are known to the management API alone.

Examples:
  dueque dashboard
  dueque dashboard --allow-writes --payloads
  dueque dashboard --metrics http://app-1:9464/metrics
  dueque dashboard --postgres postgres://app@localhost/app`

export function addDashboard(command: Command, terminal: Terminal): void {
  command
    .option('--port <port>', 'serve there; 0 for any free port', wholeNumber, 15680)
    .option('--host <host>', 'address of that port', '127.0.0.1')
    .option('--allow-host <name>', 'answer to this name too; several times', collect)
    .option('--allow-writes', 'let viewers cancel, redrive, purge, …')
    .option('--payloads', 'let viewers see payloads')
    .option('--metrics <url>', 'an exporter of lateness; several times', collect)
    .option('--no-probe', 'send no message')
    .addOption(managementOption())
    .option('--no-management', 'ask over AMQP alone')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => run(self.optsWithGlobals<Options>(), terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const { metrics = [], probe, host, allowHost = [] } = options
  if (!metrics.every(isHttpUrl)) throw usage('--metrics: expected a URL such as http://localhost:9464/metrics')
  const stop = new Stop(terminal)
  const { management, ...settings } = operatorOptions(options, terminal)
  const chosen = await stop.started(chosenStore(options))
  try {
    const ofStore = chosen && storeStrategy(chosen.store, { relay: false })
    const strategy = ofStore ?? (await stop.started(ladderFor(options, terminal)))
    const connected =
      strategy && (await stop.started(connect<Strategy>({ ...settings, strategy, signal: stop.signal })))
    if (!connected) return
    const mq = watched(connected, terminal)
    try {
      const board = newDashboard(mq, {
        ...{ access: accessOf(options), management, metrics, probe, hosts: [host, ...allowHost] },
        checkStore: hasStore(options) ? () => checkStores(options) : undefined,
      })
      // A journal is read while its first viewer is on the way.
      void board(new Request('http://localhost/api/waiting/count'))
      await serve(board.node, options, { terminal, stop }).finally(() => board.close())
    } finally {
      await mq.close()
    }
  } finally {
    await chosen?.close()
  }
}

/** With a journal, each waiting message is shown, and a message that is rescheduled stays in it. */
async function ladderFor(options: Options, terminal: Terminal): Promise<Strategy> {
  const isThere = await hasJournal(operatorSettings(operatorOptions(options, terminal)))
  return isThere ? ladder({ journal: { index: true } }) : ladder()
}

/** What somebody may do who reaches the port. */
function openTo({ allowWrites, payloads }: Options): string {
  const most = allowWrites ? 'can change messages' : payloads ? 'can see payloads' : 'can look at messages'
  return `whoever reaches this address ${most}. Put a login in front of it, or leave out --host`
}

function accessOf({ allowWrites = false, payloads = false }: Options): Access {
  const [cancel, reschedule, redrive, purge, recurring] = Array<boolean>(5).fill(allowWrites)
  return { payloads, cancel, reschedule, redrive, purge, recurring }
}

async function checkStores(options: Options) {
  const { storeFindings } = await import('../stores/store-findings.js')
  return storeFindings(options)
}

async function serve(
  node: (request: IncomingMessage, response: ServerResponse) => void,
  options: Options,
  { terminal, stop }: { terminal: Terminal; stop: Stop },
): Promise<void> {
  const { port, host } = options
  const server = createServer(node)
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    throw usage(`--port: ${(error as Error).message}`, error)
  }
  if (!isLoopback(host)) terminal.warn(`the dashboard has no login: ${openTo(options)}`, { host })
  const { port: own } = server.address() as AddressInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${own}/`
  if (terminal.json) await terminal.printJson({ dashboard: 'started', url })
  else terminal.note(`dashboard at ${url}`)
  await stop.wait()
  server.close()
  server.closeAllConnections()
  if (terminal.json) await terminal.printJson({ dashboard: 'stopped' })
}
