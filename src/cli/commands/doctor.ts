import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Finding } from '../../base/finding.js'
import { parseDelay } from '../../message/duration.js'
import { diagnose } from '../../operate/doctor/diagnose.js'
import { EXIT } from '../exit.js'
import { findingsLines } from '../findings-text.js'
import { collect, managementOption, operatorOptions, shardCount, type OperatorFlags } from '../settings.js'
import { Stop } from '../stop.js'
import { hasStore } from '../stores/store-options.js'
import type { Terminal } from '../terminal.js'

type Options = OperatorFlags & {
  queue?: string[]
  shards: number
  patience: string
  roundTrip: boolean
  cancellations: boolean
  journal?: boolean
  recurring?: boolean
  printConfig?: boolean
}

const HELP = `
Looks at the broker, this user's permissions, policies, the layout, destinations, and messages that hang; says what to do.
The management API knows most of it. It is asked at --management, or for at most 2 s beside the broker (port 15672);
without it the rest is checked over AMQP. To find out permissions, it asks for things that the broker must deny: some lines
in the broker's log. A message that is being handed over at the first look may hang, or be on its way: doctor looks again
every 6 s, for as long as --patience says.
The round trip sends a message with a delay of 1 s to a queue that it takes away again, and declares on the broker what any
schedule declares; --no-round-trip changes nothing there.
With --redis, also whether that server keeps waiting messages, and what it does when its memory is full. With --postgres, its
schema, this user's rights there, autovacuum, LISTEN, clocks, and messages that no relay claims or no destination takes.
--print-config asks no broker. It prints the settings that dueque recommends: /etc/rabbitmq/advanced.config on every node.
With --topology trust, the permissions are those of a user for whom an operator has declared everything, a producer or
with --queue a consumer; rungs must all be there, and there is no round trip, because its queue would have to be declared.

Examples:
  dueque doctor
  dueque doctor --queue reminders --patience 60s
  dueque doctor --print-config > /etc/rabbitmq/advanced.config
  dueque doctor --topology trust --queue reminders --url amqp://consumer@rabbit
  dueque doctor --redis redis://localhost
  dueque doctor --postgres postgres://app@localhost/app
  dueque doctor --json --no-round-trip | jq '.findings[] | select(.severity == "error")'`

export function addDoctor(command: Command, terminal: Terminal): void {
  command
    .addOption(managementOption())
    .option('--no-management', 'check over AMQP alone')
    .option('--queue <queue>', 'check the permissions to consume it; several times', collect)
    .option('--shards <n>', 'queues that each rung should have', shardCount, 1)
    .option('--patience <duration>', 'how long messages that hang are watched', '6s')
    .option('--no-round-trip', 'send no message')
    .option('--no-cancellations', "every consumer has cancellations: 'off'")
    .option('--journal', 'check the permissions to write a journal too')
    .option('--recurring', 'check the permissions for recurring messages too')
    .option('--print-config', 'print the recommended advanced.config instead')
    .addHelpText('after', HELP)
    .action(async (_options: Options, self: Command) => {
      const options = self.optsWithGlobals<Options>()
      if (options.printConfig) await printConfig(terminal)
      else process.exitCode = await run(options, terminal)
    })
}

/** As it is in the package. */
async function printConfig(terminal: Terminal): Promise<void> {
  const config = await readFile(new URL('../../../docker/advanced.config', import.meta.url), 'utf8')
  await (terminal.json ? terminal.printJson({ config }) : terminal.print(config.trimEnd()))
}

async function checkStores(options: Options): Promise<readonly Finding[]> {
  const { storeFindings } = await import('../stores/store-findings.js')
  return storeFindings(options)
}

async function run(options: Options, terminal: Terminal): Promise<number> {
  const { queue: queues, shards, patience, roundTrip, cancellations: cancellationStreams, journal, recurring } = options
  const patienceMs = parseDelay(patience, 'patience')
  const settings = operatorOptions(options, terminal)
  const stop = new Stop(terminal)
  const checkStore = hasStore(options) ? () => checkStores(options) : undefined
  const diagnosis = await diagnose({
    ...settings,
    ...{
      queues,
      shards,
      cancellationStreams,
      journal,
      recurring,
      patienceMs,
      roundTrip,
      signal: stop.signal,
      checkStore,
    },
  })
  const { severity, findings } = diagnosis
  await (terminal.json ? terminal.printJson(diagnosis) : terminal.printLines(findingsLines(findings)))
  const { reason } = stop
  stop.now('done')
  if (reason === 'SIGINT' || reason === 'SIGTERM') return EXIT[reason]
  return severity === 'error' ? EXIT.errors : severity === 'warning' ? EXIT.warnings : EXIT.ok
}
