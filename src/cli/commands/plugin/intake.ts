import type { Command } from 'commander'
import { startIntake } from '../../../forwarding/intake.js'
import { EXIT, usage } from '../../exit.js'
import { number } from '../../progress.js'
import { connectOptions, wholeNumber, type Settings } from '../../settings.js'
import { Stop } from '../../stop.js'
import { plain, type Terminal } from '../../terminal.js'

type Options = Settings & { to?: string; type?: string; prefetch?: number }

const HELP = `
Declares EXCHANGE as a fanout and the queue EXCHANGE.intake behind it. Each message is scheduled as its header x-delay says
(milliseconds), and reaches the exchange --to when it is due, with the routing key, headers and body that it has. It is acked
when its waiting copy is confirmed. A message that cannot be scheduled (its x-delay is no number, or over ten years) is in
EXCHANGE.intake.dead: dueque dead list EXCHANGE.intake.
The delay counts from when the intake gets to a message: run at least two. Ends on SIGINT or SIGTERM.

Examples:
  dueque plugin intake reminders.new --to reminders.due
  dueque plugin intake reminders --type topic        # to reminders.due, which is declared`

export function addIntake(group: Command, terminal: Terminal): void {
  group
    .command('intake')
    .description('take messages in the form of the plugin from an exchange, and schedule them')
    .argument('<exchange>', 'that producers publish to')
    .option('--to <exchange>', 'that gets due messages (default: EXCHANGE.due)')
    .option('--type <type>', 'of the exchange --to, to declare it if it is missing')
    .option('--prefetch <n>', 'messages taken at a time (default: 500)', wholeNumber)
    .addHelpText('after', HELP)
    .action(async (exchange: string, _options: Options, command: Command) => {
      await run(exchange, command.optsWithGlobals<Options>(), terminal)
    })
}

async function run(from: string, options: Options, terminal: Terminal): Promise<void> {
  const { to, type, prefetch } = options
  if (prefetch === 0) throw usage('--prefetch: expected a whole number from 1, got 0')
  const stop = new Stop(terminal)
  const onError = (error: Error) => terminal.error(error)
  const connection = { ...connectOptions(options, terminal), signal: stop.signal }
  const intake = await stop.started(startIntake({ ...connection, from, to, type, prefetch, onError }))
  if (!intake) return
  terminal.note(plain(`takes what comes to exchange ${from}`))
  await stop.wait()
  await intake.close()
  const stats = intake.stats()
  if (terminal.json) await terminal.printJson(stats)
  else {
    const { scheduled, atOnce, dead } = stats
    await terminal.print(`${number(scheduled)} scheduled (${number(atOnce)} without a delay), ${number(dead)} given up`)
  }
  process.exitCode = stats.dead > 0 ? EXIT.partial : EXIT.ok
}
