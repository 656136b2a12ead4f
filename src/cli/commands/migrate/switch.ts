import type { Command } from 'commander'
import { parseEndpoints } from '../../../amqp/connection/endpoint.js'
import { Layout, type BindingPart } from '../../../amqp/topology/layout.js'
import { Names } from '../../../amqp/topology/names.js'
import { applyParts, withDeclarer } from '../../../operate/topology-admin.js'
import { dueExchange, entryParts, intakeQueue } from '../../../forwarding/intake-parts.js'
import { resolveOptions } from '../../../options.js'
import { delayedReport, exchangeWithBindings } from '../../delayed-exchanges.js'
import { CommandError, usage } from '../../exit.js'
import type { ManagementApi } from '../../management.js'
import { connectOptions, type Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'
import { apisOf, managementOfEachNode, type ManagementOptions } from './apis.js'

type Options = Settings & ManagementOptions & { to?: string }

const HELP = `
For producers that go on publishing to the same exchange. Stop them first, and wait until dueque migrate status EXCHANGE
says 0: a message that waits in the plugin when its exchange is deleted is lost, and what is published between the count and
the deletion is such a message. Refuses while anything waits, on any node, and as long as --to lacks a binding that EXCHANGE
has. Then EXCHANGE is deleted and declared again as the fanout in front of EXCHANGE.intake.

Example:
  dueque migrate switch reminders && dueque migrate intake reminders`

export function addSwitch(group: Command, terminal: Terminal): void {
  group
    .command('switch')
    .description("replace an empty exchange of the plugin by an intake's, of the same name")
    .argument('<exchange>')
    .option('--to <exchange>', 'that gets what is due (default: EXCHANGE.due)')
    .addOption(managementOfEachNode())
    .addHelpText('after', HELP)
    .action(async (exchange: string, _options: Options, command: Command) => {
      await switchOver(exchange, command.optsWithGlobals<Options>(), terminal)
    })
}

async function switchOver(exchange: string, options: Options, terminal: Terminal): Promise<void> {
  const settings = resolveOptions(connectOptions(options, terminal))
  const endpoints = parseEndpoints(settings.url)
  const apis = apisOf(options, settings.url)
  const { vhost } = endpoints[0]!
  const old = await exchangeWithBindings(apis[0]!, vhost, exchange)
  if (old.type !== 'x-delayed-message') throw usage(`${exchange} is no exchange of the plugin: it is a ${old.type}`)
  const to = options.to ?? dueExchange(exchange)
  const { behind } = await exchangeWithBindings(apis[0]!, vhost, to)
  const lacking = old.behind.filter((one) => !behind.some((other) => isSame(one, other)))
  if (lacking.length > 0) {
    const which = lacking.map(({ name, key }) => `${name} by "${key}"`).join(', ')
    throw new CommandError('BINDING_MISSING', `${to} lacks bindings of ${exchange} (dueque migrate copy): ${which}`)
  }
  const layout = new Layout(new Names(settings.namespace), settings.queueType)
  const before = [...layout.base(), ...layout.workQueue(intakeQueue(exchange))]
  const [entry, ...bindings] = [...entryParts(layout.names, exchange), ...old.before]
  await withDeclarer({ ...settings, endpoints }, async (declarer) => {
    const apply = (parts: typeof before, workQueues: string[]) =>
      applyParts(declarer, parts, { workQueues, told: () => undefined })
    await apply(before, [intakeQueue(exchange)])
    await assertEmpty(apis, vhost, exchange)
    await declarer.delete(entry)
    await apply([entry, ...bindings], [])
  })
  if (terminal.json) await terminal.printJson({ exchange, queue: intakeQueue(exchange), to })
  else await terminal.print(plain(`${exchange} leads to ${intakeQueue(exchange)}: dueque migrate intake ${exchange}`))
}

function isSame(one: BindingPart, other: BindingPart): boolean {
  const shown = ({ to, name, key, arguments: args }: BindingPart) => JSON.stringify([to, name, key, sorted(args ?? {})])
  return shown(one) === shown(other)
}

function sorted(args: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** @throws CommandError `NOT_EMPTY`, also where nobody can say */
async function assertEmpty(apis: readonly ManagementApi[], vhost: string, exchange: string): Promise<void> {
  const { exchanges, nodes } = await delayedReport(apis)
  const count = exchanges.find((one) => one.vhost === vhost && one.name === exchange)?.messages
  if (count === 0 && nodes.notAsked.length === 0) return
  const what =
    count === 0 ? `${nodes.notAsked.join(', ')} was not asked (--management)` : `${count} messages wait in it`
  throw new CommandError('NOT_EMPTY', `${exchange} stays as it is: ${what}; they would be lost`)
}
