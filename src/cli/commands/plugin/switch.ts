import type { Command } from 'commander'
import { switchExchange } from '../../../operate/leave-plugin/switch-exchange.js'
import { isDuequeError } from '../../../base/errors.js'
import { usage } from '../../exit.js'
import { dryRunOption, managementOfEachNode, operatorOptions, type OperatorFlags } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

type Options = OperatorFlags & { to?: string; dryRun?: boolean }

const HELP = `
For producers that go on publishing to the same exchange. Stop them first, and wait until dueque plugin status EXCHANGE
says 0: a message that waits in the plugin when its exchange is deleted is lost, and so is a message that is published between
the count and the deletion. Refuses while messages wait, on any node, and as long as --to lacks a binding that EXCHANGE
has. Then EXCHANGE is deleted and declared again as the fanout in front of EXCHANGE.intake.

Example:
  dueque plugin switch reminders && dueque plugin intake reminders`

export function addSwitch(group: Command, terminal: Terminal): void {
  group
    .command('switch')
    .description("replace an empty exchange of the plugin by an intake's, of the same name")
    .argument('<exchange>')
    .option('--to <exchange>', 'that gets due messages (default: EXCHANGE.due)')
    .addOption(managementOfEachNode())
    .addOption(dryRunOption())
    .addHelpText('after', HELP)
    .action(async (exchange: string, _options: Options, command: Command) => {
      await switchOver(exchange, command.optsWithGlobals<Options>(), terminal)
    })
}

async function switchOver(exchange: string, { to, dryRun, ...flags }: Options, terminal: Terminal): Promise<void> {
  const options = { ...operatorOptions(flags, terminal), to, dryRun }
  const done = await switchExchange(exchange, options).catch((error: unknown) => {
    const isArgument = isDuequeError(error, 'INVALID_OPTION') && error.data.option === 'exchange'
    throw isArgument ? usage(error.message, error) : error
  })
  const leads = dryRun ? 'would lead' : 'leads'
  if (terminal.json) await terminal.printJson({ ...done, dryRun })
  else await terminal.print(plain(`${exchange} ${leads} to ${done.queue}: dueque plugin intake ${exchange}`))
}
