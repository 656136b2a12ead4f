import type { Command } from 'commander'
import { pluginStatus, type PluginStatus } from '../../../operate/leave-plugin/plugin-status.js'
import { CommandError, EXIT } from '../../exit.js'
import { number } from '../../progress.js'
import { managementOfEachNode, operatorOptions, type OperatorFlags } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

const HELP = `
Asks the management API, in every virtual host that the user may see (tag monitoring). The plugin keeps messages on the
node that their producer was connected to, and each node counts its own alone: name the API of each one.
Exit code 0: no message waits in the plugin on any node. 7: some do, or a node was not asked.

Examples:
  dueque plugin status
  dueque plugin status --management http://a:15672 --management http://b:15672`

export function addStatus(group: Command, terminal: Terminal): void {
  group
    .command('status')
    .description('count the messages that still wait in the plugin, for each exchange')
    .argument('[exchange...]', 'in the vhost of --url (default: all, in all vhosts)')
    .addOption(managementOfEachNode())
    .addHelpText('after', HELP)
    .action(async (names: string[], _options: OperatorFlags, command: Command) => {
      process.exitCode = await status(names, command.optsWithGlobals<OperatorFlags>(), terminal)
    })
}

async function status(names: string[], flags: OperatorFlags, terminal: Terminal): Promise<number> {
  const report = await pluginStatus({ ...operatorOptions(flags, terminal), exchanges: names })
  const { empty, exchanges, nodes, missing } = report
  if (missing.length > 0)
    throw new CommandError('NOT_FOUND', `no exchange of the plugin in the vhost of --url: ${missing.join(', ')}`)
  await (terminal.json ? terminal.printJson({ empty, exchanges, nodes }) : terminal.print(textOf(report)))
  return empty ? EXIT.ok : EXIT.waiting
}

function textOf({ exchanges, nodes: { asked, notAsked } }: PluginStatus): string {
  const rows = exchanges.map(({ vhost, name, type, messages }) => {
    const count = messages === null ? 'unknown' : number(messages)
    return plain(`${count.padStart(10)}  ${name}  (${type}, vhost ${vhost})`)
  })
  if (rows.length === 0) rows.push('there is no exchange of the plugin')
  rows.push('', `Counted on ${asked.join(', ')}.`)
  if (notAsked.length > 0)
    rows.push(`Not asked: ${notAsked.join(', ')}, which may hold more (--management for each node).`)
  return rows.join('\n')
}
