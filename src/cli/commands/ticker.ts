import type { Command } from 'commander'
import { startTicker } from '../../recurring/ticker-process.js'
import { ladder } from '../../strategies/ladder/ladder.js'
import { storeStrategy } from '../../strategies/store/store-strategy.js'
import { healthServer } from '../health-server.js'
import { connectOptions, wholeNumber, type Settings } from '../settings.js'
import { Stop } from '../stop.js'
import { chosenStore } from '../stores/chosen-store.js'
import type { Terminal } from '../terminal.js'

type Options = Settings & { healthPort?: number; healthHost: string }

const HELP = `
For namespaces where no process consumes with dueque all the time: each such process runs a ticker as well. Any number may run;
one of them is active, and another one takes over when it ends. With a store (--redis, --postgres), a relay has to run too.

The health port answers this host alone, unless --health-host is another address, such as 0.0.0.0. Its paths / and /health answer with 200, or with
503 while RabbitMQ or the store is away, RabbitMQ takes no messages, or the ticker leaves the work to others because it fails, and JSON:
  {"ok":true,"producer":"up","consumer":"up",…,
   "recurring":{"state":"active","repairedAt":"…"}}

Examples:
  dueque ticker --health-port 8080 --health-host 0.0.0.0
  dueque ticker --redis redis://localhost`

export function addTicker(command: Command, terminal: Terminal): void {
  command
    .option('--health-port <port>', 'answer HTTP probes there; 0 for any free port', wholeNumber)
    .option('--health-host <host>', 'address of that port', '127.0.0.1')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => run(self.optsWithGlobals<Options>(), terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const { healthPort: port, healthHost: host } = options
  const stop = new Stop(terminal)
  const chosen = await stop.started(chosenStore(options))
  try {
    const strategy = chosen ? storeStrategy(chosen.store, { relay: false }) : ladder()
    const connection = { ...connectOptions(options, terminal), signal: stop.signal }
    const onError = (error: Error) => terminal.error(error)
    const ticker = await stop.started(startTicker({ ...connection, strategy }, onError))
    if (!ticker) return
    try {
      const settings = port === undefined ? undefined : { port, host, option: '--health-port' }
      const server = settings && (await healthServer(settings, () => ticker.health()))
      if (terminal.json) await terminal.printJson({ ticker: 'started', healthPort: server?.port })
      else terminal.note(server ? `ticking, health at http://${host}:${server.port}` : 'ticking')
      await stop.wait()
      server?.close()
    } finally {
      await ticker.close()
    }
    if (terminal.json) await terminal.printJson({ ticker: 'stopped' })
  } finally {
    await chosen?.close()
  }
}
