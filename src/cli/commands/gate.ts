import { Option, type Command } from 'commander'
import type { GateOptions } from '../../forwarding/gate-options.js'
import { startGate, type GateStats } from '../../forwarding/gate-process.js'
import { usage } from '../exit.js'
import { healthServer } from '../health-server.js'
import { number } from '../progress.js'
import { connectOptions, wholeNumber, type Settings } from '../settings.js'
import { Stop } from '../stop.js'
import { plain, type Terminal } from '../terminal.js'

type Options = Settings &
  Pick<GateOptions, 'to' | 'declare' | 'prefetch' | 'onTailDown'> & { healthPort?: number; healthHost: string }

const HELP = `
For consumers that do not know dueque, in whatever language. Messages are scheduled to QUEUE; the consumer reads the queue --to.
The gate forwards each message when it is due, with its body, properties and headers, and acks it when the copy is confirmed.
Cancelled messages are dropped, expired ones go to QUEUE.dead: dueque dead list QUEUE. A message that is forwarded cannot be
cancelled any more. A message may be forwarded twice if a gate dies or loses its connection.

Run two or more: they share the work. Ends on SIGINT or SIGTERM; messages that are not forwarded go back to QUEUE.

While cancellations cannot be read, it forwards all the same; with --on-tail-down wait it forwards nothing.

The health port answers this host alone, unless --health-host is another address, such as 0.0.0.0. Its paths / and /health answer with 200, or with
503 while RabbitMQ is away or takes no messages, or while the gate waits because cancellations cannot be read
(--on-tail-down wait), and JSON:
  {"ok":true,"producer":"up","consumer":"up",…,
   "gate":{"forwarded":5120,"cancelled":7,"held":3,"dead":0}}

Examples:
  dueque gate reminders --to reminders.due --declare
  dueque gate reminders --to reminders.due --on-tail-down wait \\
    --health-port 8080 --health-host 0.0.0.0`

export function addGate(command: Command, terminal: Terminal): void {
  command
    .argument('<queue>', 'the queue that messages are taken from')
    .requiredOption('--to <queue>', 'the queue of the consumer')
    .option('--declare', 'declare missing queues instead of failing')
    .option('--prefetch <n>', 'messages taken at a time, early ones too (default: 500)', wholeNumber)
    .addOption(
      new Option('--on-tail-down <what>', 'cancellations unread: handle or wait (default: handle)').choices([
        'handle',
        'wait',
      ]),
    )
    .option('--health-port <port>', 'answer HTTP probes there; 0 for any free port', wholeNumber)
    .option('--health-host <host>', 'address of that port', '127.0.0.1')
    .addHelpText('after', HELP)
    .action(async (queue: string, _options: Options, self: Command) => {
      await run(queue, self.optsWithGlobals<Options>(), terminal)
    })
}

async function run(from: string, options: Options, terminal: Terminal): Promise<void> {
  const { to, declare, prefetch, onTailDown, healthPort: port, healthHost: host } = options
  if (prefetch === 0) throw usage('--prefetch: expected a whole number from 1, got 0')
  const stop = new Stop(terminal)
  const onError = (error: Error) => terminal.error(error)
  const connection = { ...connectOptions(options, terminal), signal: stop.signal }
  const gate = await stop.started(startGate({ ...connection, from, to, declare, prefetch, onTailDown, onError }))
  if (!gate) return
  try {
    const health = () => ({ ...gate.health(), gate: gate.stats() })
    const server = port === undefined ? undefined : await healthServer({ port, host, option: '--health-port' }, health)
    const what = plain(`forwarding ${from} to ${to}`)
    if (terminal.json) await terminal.printJson({ gate: 'started', from, to, healthPort: server?.port })
    else terminal.note(server ? `${what}, health at http://${host}:${server.port}` : what)
    await stop.wait()
    server?.close()
  } finally {
    await gate.close()
  }
  await report(gate.stats(), terminal)
}

async function report({ forwarded, cancelled, dead }: GateStats, terminal: Terminal): Promise<void> {
  if (terminal.json) await terminal.printJson({ gate: 'stopped', forwarded, cancelled, dead })
  else terminal.note(`${number(forwarded)} forwarded, ${number(cancelled)} cancelled, ${number(dead)} given up`)
}
