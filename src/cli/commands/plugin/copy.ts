import type { Command } from 'commander'
import { copyExchange } from '../../../operate/leave-plugin/copy-exchange.js'
import { managementOfEachNode, operatorOptions, type OperatorFlags } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

const HELP = `
Declares an ordinary exchange of the type that the plugin's exchange is underneath (x-delayed-type), and gives it
all bindings of that one, by the same keys and arguments. Nothing is taken away; repeat it to add new bindings.
Messages for which it has no binding are parked (dueque parked list), unless the old one has an alternate exchange.

Examples:
  dueque plugin copy reminders                   # reminders.due
  dueque plugin copy reminders clinic.reminders`

export function addCopy(group: Command, terminal: Terminal): void {
  group
    .command('copy')
    .description('make an exchange for due messages, with the bindings of an exchange of the plugin')
    .argument('<exchange>')
    .argument('[to]', 'its name (default: <exchange>.due)')
    .addOption(managementOfEachNode())
    .addHelpText('after', HELP)
    .action(async (exchange: string, to: string | undefined, _options: OperatorFlags, command: Command) => {
      await copy(exchange, to, command.optsWithGlobals<OperatorFlags>(), terminal)
    })
}

async function copy(exchange: string, to: string | undefined, flags: OperatorFlags, terminal: Terminal): Promise<void> {
  const { boundTo, ...made } = await copyExchange(exchange, { ...operatorOptions(flags, terminal), to })
  const { exchange: name, type, created, bindings } = made
  if (terminal.json) await terminal.printJson({ exchange: name, type, created, bindings })
  else
    await terminal.print(
      plain(`${name} (${type}) ${created ? 'created' : 'was there'}; it has the ${bindings} bindings of ${exchange}`),
    )
  for (const from of boundTo)
    terminal.warn(plain(`${exchange} is bound to exchange ${from}: bind the intake's exchange to it as well`))
}
