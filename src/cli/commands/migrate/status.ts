import type { Command } from 'commander'
import { parseEndpoints } from '../../../amqp/connection/endpoint.js'
import { resolveOptions } from '../../../options.js'
import { delayedReport, type DelayedExchange, type DelayedReport } from '../../delayed-exchanges.js'
import { CommandError, EXIT } from '../../exit.js'
import { number } from '../../progress.js'
import { connectOptions, type Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'
import { apisOf, managementOfEachNode, type ManagementOptions } from './apis.js'

type Options = Settings & ManagementOptions

const HELP = `
Asks the management API, in every virtual host that the user may see (tag monitoring). The plugin keeps messages on the
node that their producer was connected to, and each node tells of its own alone: name the API of each one.
Exit code 0: nothing waits in the plugin on any node. 7: something does, or a node was not asked.

Examples:
  dueque migrate status
  dueque migrate status --management http://a:15672 --management http://b:15672 --management http://c:15672`

export function addStatus(group: Command, terminal: Terminal): void {
  group
    .command('status')
    .description('count what still waits in the plugin, for each exchange')
    .argument('[exchange...]', 'only these, in the vhost of --url (default: all, in all vhosts)')
    .addOption(managementOfEachNode())
    .addHelpText('after', HELP)
    .action(async (names: string[], _options: Options, command: Command) => {
      process.exitCode = await status(names, command.optsWithGlobals<Options>(), terminal)
    })
}

async function status(names: string[], options: Options, terminal: Terminal): Promise<number> {
  const { url } = resolveOptions(connectOptions(options, terminal))
  const report = await delayedReport(apisOf(options, url))
  const { nodes } = report
  const exchanges = names.length === 0 ? report.exchanges : chosen(report, names, parseEndpoints(url)[0]!.vhost)
  const isEmpty = nodes.notAsked.length === 0 && exchanges.every(({ messages }) => messages === 0)
  if (terminal.json) await terminal.printJson({ empty: isEmpty, exchanges, nodes })
  else await terminal.print(textOf(exchanges, nodes))
  return isEmpty ? EXIT.ok : EXIT.waiting
}

/** @throws CommandError `NOT_FOUND` */
function chosen({ exchanges }: DelayedReport, names: string[], vhost: string): DelayedExchange[] {
  return names.map((name) => {
    const found = exchanges.find((one) => one.name === name && one.vhost === vhost)
    if (!found) throw new CommandError('NOT_FOUND', `${name} is no exchange of the plugin in vhost ${vhost}`)
    return found
  })
}

function textOf(exchanges: readonly DelayedExchange[], { asked, notAsked }: DelayedReport['nodes']): string {
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
