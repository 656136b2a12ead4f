import type { Command } from 'commander'
import { parseEndpoints } from '../../../amqp/connection/endpoint.js'
import { Layout, type Part } from '../../../amqp/topology/layout.js'
import { Names } from '../../../amqp/topology/names.js'
import { applyParts, withDeclarer } from '../../../operate/topology-admin.js'
import { dueExchange, duePart } from '../../../forwarding/intake-parts.js'
import { resolveOptions } from '../../../options.js'
import { exchangeWithBindings, type ExchangeWithBindings } from '../../delayed-exchanges.js'
import { connectOptions, type Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'
import { apisOf, managementOfEachNode, type ManagementOptions } from './apis.js'

type Options = Settings & ManagementOptions

const HELP = `
Declares an ordinary exchange of the type that the plugin's exchange is underneath (x-delayed-type), and binds to it whatever
is bound to that one, by the same keys and arguments. Nothing is taken away; what it lacks is added when it is repeated. What
it has no binding for is parked (dueque parked list), unless the old one has an alternate exchange.

Examples:
  dueque migrate copy reminders                   # reminders.due
  dueque migrate copy reminders clinic.reminders`

export function addCopy(group: Command, terminal: Terminal): void {
  group
    .command('copy')
    .description('make an exchange for what is due, with the bindings of an exchange of the plugin')
    .argument('<exchange>')
    .argument('[to]', 'its name (default: <exchange>.due)')
    .addOption(managementOfEachNode())
    .addHelpText('after', HELP)
    .action(async (exchange: string, to: string | undefined, _options: Options, command: Command) => {
      await copy(exchange, to ?? dueExchange(exchange), command.optsWithGlobals<Options>(), terminal)
    })
}

async function copy(exchange: string, to: string, options: Options, terminal: Terminal): Promise<void> {
  const settings = resolveOptions(connectOptions(options, terminal))
  const endpoints = parseEndpoints(settings.url)
  const [api] = apisOf(options, settings.url)
  const old = await exchangeWithBindings(api!, endpoints[0]!.vhost, exchange)
  const layout = new Layout(new Names(settings.namespace), settings.queueType)
  const parts = [...layout.base(), ...copyOf(layout.names, old, to)]
  const changes = await withDeclarer({ ...settings, endpoints }, (declarer) =>
    applyParts(declarer, parts, { workQueues: [], told: () => undefined }),
  )
  const bindings = old.behind.length
  const created = changes.some(({ name, change }) => name === to && change === 'created')
  const [type] = parts.flatMap((part) => (part.kind === 'exchange' && part.name === to ? [part.type] : []))
  if (terminal.json) await terminal.printJson({ exchange: to, type, created, bindings })
  else
    await terminal.print(
      plain(`${to} (${type}) ${created ? 'created' : 'was there'}; it has the ${bindings} bindings of ${exchange}`),
    )
  for (const { from } of old.before) {
    terminal.warn(plain(`${exchange} is bound to exchange ${from}: bind the intake's exchange to it as well`))
  }
}

/** The exchange for what is due, and its bindings. */
export function copyOf(names: Names, { type, arguments: args, behind }: ExchangeWithBindings, to: string): Part[] {
  const { 'x-delayed-type': underneath, ...own } = args
  const plainType = typeof underneath === 'string' ? underneath : type
  return [duePart(names, to, plainType, own), ...behind.map((binding) => ({ ...binding, from: to }))]
}
