import type { Command } from 'commander'
import { parseDelay } from '../../message/duration.js'
import { connect } from '../../connect.js'
import type { RelayOptions } from '../../strategies/store/relay-options.js'
import { storeStrategy } from '../../strategies/store/store-strategy.js'
import { healthServer } from '../health-server.js'
import { connectOptions, rateOf, wholeNumber, type Settings } from '../settings.js'
import { Stop } from '../stop.js'
import { neededStore } from '../stores/chosen-store.js'
import type { Terminal } from '../terminal.js'
import { watched } from '../with-dueque.js'

interface Options extends Settings {
  batch?: number
  maxInFlight?: number
  rate?: number
  lease?: string
  backstop?: string
  healthPort?: number
  healthHost: string
}

const HELP = `
For processes that schedule with relay: false, or as one more beside them: any number may run, and each message is handed
over by one of them. Claims nothing more on SIGINT or SIGTERM, and ends when all that it had claimed is in RabbitMQ.

The health port answers this host alone, unless --health-host is another address, such as 0.0.0.0. Its paths / and /health answer with 200, or with
503 while RabbitMQ or the store is away, and JSON:
  {"ok":true,"producer":"up","store":"up",…,"relay":{"relayed":5120,"underWay":3}}

Examples:
  dueque relay --redis redis://localhost --health-port 8080
  dueque relay --redis redis://redis --health-port 8080 --health-host 0.0.0.0  # in a container
  DUEQUE_REDIS_URL=rediss://:secret@redis AMQP_URL=amqps://dueque:secret@rabbit \\
    dueque relay --rate 500/s`

export function addRelay(command: Command, terminal: Terminal): void {
  command
    .option('--batch <n>', 'messages claimed at a time (default: 500)', wholeNumber)
    .option('--max-in-flight <n>', 'messages claimed and not settled (default: 2000)', wholeNumber)
    .option('--rate <n/s>', 'messages a second at most', rateOf)
    .option('--lease <duration>', 'lateness after the death of a relay (default: 15s)')
    .option('--backstop <duration>', 'how often to look though nothing is due (default: 5s)')
    .option('--health-port <port>', 'answer HTTP probes there; 0 for any free port', wholeNumber)
    .option('--health-host <host>', 'address of that port', '127.0.0.1')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => run(self.optsWithGlobals<Options>(), terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const relay = relayOptions(options)
  const stop = new Stop(terminal)
  const chosen = await stop.started(neededStore(options))
  if (!chosen) return
  try {
    const strategy = storeStrategy(chosen.store, { relay })
    const connection = { ...connectOptions(options, terminal), signal: stop.signal }
    const connected = await stop.started(connect({ ...connection, strategy }))
    if (!connected) return
    const mq = watched(connected, terminal)
    const stats = () => strategy.relayStats() ?? { relayed: 0, underWay: 0 }
    try {
      const { healthPort: port, healthHost: host } = options
      const health = () => ({ ...mq.health(), relay: stats() })
      const server =
        port === undefined ? undefined : await healthServer({ port, host, option: '--health-port' }, health)
      const from = `relaying from ${chosen.store.name}`
      if (terminal.json) await terminal.printJson({ relay: 'started', healthPort: server?.port })
      else terminal.note(server ? `${from}, health at http://${host}:${server.port}` : from)
      await stop.wait()
      server?.close()
    } finally {
      await mq.close()
    }
    const { relayed } = stats()
    await (terminal.json ? terminal.printJson({ relay: 'stopped', relayed }) : terminal.note(`${relayed} relayed`))
  } finally {
    await chosen.close()
  }
}

function relayOptions({ batch, maxInFlight, rate, lease, backstop }: Options): RelayOptions {
  const ms = (text: string | undefined, option: string) => (text === undefined ? undefined : parseDelay(text, option))
  const [leaseMs, backstopMs] = [ms(lease, 'lease'), ms(backstop, 'backstop')]
  return { batch, maxInFlight, ratePerSecond: rate, leaseMs, backstopMs }
}
