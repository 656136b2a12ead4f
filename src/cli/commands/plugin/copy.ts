import { counted } from '../../../base/counted.js'
import type { Command } from 'commander'
import { copyExchange, type ExchangeCopy } from '../../../operate/leave-plugin/copy-exchange.js'
import { dryRunOption, managementOfEachNode, operatorOptions, type OperatorFlags } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

type Flags = OperatorFlags & { dryRun?: boolean }

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
    .addOption(dryRunOption())
    .addHelpText('after', HELP)
    .action(async (exchange: string, to: string | undefined, _options: Flags, command: Command) => {
      await copy(exchange, to, command.optsWithGlobals<Flags>(), terminal)
    })
}

async function copy(
  exchange: string,
  to: string | undefined,
  { dryRun, ...flags }: Flags,
  terminal: Terminal,
): Promise<void> {
  const made = await copyExchange(exchange, { ...operatorOptions(flags, terminal), to, dryRun })
  const { boundTo, ...shown } = made
  await (terminal.json ? terminal.printJson({ ...shown, dryRun }) : terminal.print(plain(textOf(made, exchange))))
  for (const from of boundTo)
    terminal.warn(plain(`${exchange} is bound to exchange ${from}: bind the intake's exchange to it as well`))
}

function textOf({ exchange: name, type, created, bindings, lacking }: ExchangeCopy, of: string): string {
  if (lacking === undefined)
    return `${name} (${type}) ${created ? 'created' : 'was there'}; it has ${counted(bindings, 'binding')} of ${of}`
  return `${name} (${type}) ${created ? 'would be created' : 'is there'}; it would get ${lacking} of ${counted(bindings, 'binding')} of ${of}`
}
