import type { Command } from 'commander'
import { definitionsOf } from '../../operate/definitions.js'
import { parseEndpoints, type Endpoint } from '../../amqp/connection/endpoint.js'
import { Layout, type Part } from '../../amqp/topology/layout.js'
import { assertOutside } from '../../amqp/topology/layout-names.js'
import { deadQueue, Names, type RungVariant } from '../../amqp/topology/names.js'
import {
  applyParts,
  deleteParts,
  destinationParts,
  markRungs,
  missingParts,
  withDeclarer,
  type Change,
} from '../../operate/topology-admin.js'
import { checkQueueName } from '../../message/destination.js'
import { gapsAmong, type Gap } from '../../operate/doctor/judge-part.js'
import { entryParts, intakeQueue } from '../../forwarding/intake-parts.js'
import { resolveOptions, type ResolvedOptions } from '../../options.js'
import type { Rung } from '../../strategies/ladder/rungs.js'
import { delayedIn } from '../delayed-exchanges.js'
import { CommandError, EXIT, usage } from '../exit.js'
import { layoutFacts } from '../management-facts.js'
import {
  listQueues,
  managementAt,
  managementBeside,
  overManagement,
  type Count,
  type ManagementApi,
} from '../management.js'
import { collect, connectOptions, managementOption, shardCount, type Settings } from '../settings.js'
import type { Terminal } from '../terminal.js'

type Options = Settings & {
  queue?: string[]
  exchange?: string[]
  outlet?: string[]
  shards: number
  plugin?: boolean
  intake?: string[]
  management?: string | false
  force?: boolean
}

const HELP = `
The topology is everything that dueque declares: exchanges, the queues for what is unroutable or parked, and 375 wait
queues (rungs). Connections with { topology: 'declare' } make it as they go; users without configure permission need it
applied beforehand, with their destinations.
Names are all that AMQP shows. The management API shows arguments and bindings too: verify asks it at --management, or for
at most 2 s beside the broker (port 15672).

Examples:
  dueque topology apply --queue reminders --exchange clinic
  dueque topology apply --plugin                     # for the strategy plugin
  dueque topology apply --intake reminders --exchange reminders.due
  dueque topology show --json > definitions.json     # for rabbitmqctl import_definitions
  dueque topology verify && echo complete
  dueque topology delete --namespace old`

export function addTopology(program: Command, terminal: Terminal): void {
  const topology = program
    .command('topology')
    .description('declare, look at, or delete what dueque needs in the broker')
  const command = (name: string, description: string, run: (work: Work) => Promise<void>) =>
    topology
      .command(name)
      .description(description)
      .option('--queue <name>', 'a work queue that is to receive messages; may be given several times', collect)
      .option('--exchange <name>', 'an exchange that is to receive messages; may be given several times', collect)
      .option('--outlet <queue>', 'a queue that has an outlet; may be given several times', collect)
      .option('--shards <n>', 'queues of each rung', shardCount, 1)
      .option('--plugin', 'with the exchange of the delayed-message plugin, for the strategy plugin')
      .option('--intake <exchange>', 'with the entry and the queue of an intake (see migrate); several times', collect)
      .action(async (_options: Options, self: Command) => run(workOf(self.optsWithGlobals<Options>(), terminal)))
  command('show', 'list it, without asking a broker', show)
  command('apply', 'declare what is missing and bind everything', apply)
  command('verify', 'tell what is missing, and what has other arguments', verify)
    .addOption(managementOption())
    .option('--no-management', 'look at names alone')
  command('delete', 'delete it, unless something waits in it; stop the producers first', remove)
    .addOption(managementOption())
    .option('--force', 'also with what waits in it, and where there is no management API')
  topology.addHelpText('after', HELP)
}

interface Work {
  options: Options
  settings: ResolvedOptions
  endpoints: Endpoint[]
  layout: Layout
  rungs: { rung: Rung; variant: RungVariant }[]
  parts: Part[]
  /** They are the application's: left as they are where they exist, and never deleted. */
  workQueues: string[]
  terminal: Terminal
}

function workOf(options: Options, terminal: Terminal): Work {
  const settings = resolveOptions(connectOptions(options, terminal))
  const layout = new Layout(new Names(settings.namespace), settings.queueType)
  const { queue = [], exchange: exchanges = [], outlet = [], intake = [], shards, plugin } = options
  const intakes = intake.map((entry) => checkQueueName('--intake', intakeQueue(entry)))
  const queues = [...queue.map((name) => checkQueueName('--queue', name)), ...intakes]
  const outlets = outlet.map((name) => checkQueueName('--outlet', name))
  for (const name of [...queues, ...outlets]) assertOutside({ queue: name }, settings.namespace)
  for (const name of [...exchanges, ...intake]) assertOutside({ exchange: name }, settings.namespace)
  const parts = [
    ...layout.everything(settings.queueType, shards),
    ...(plugin ? layout.delayed() : []),
    ...destinationParts(layout, { queues, exchanges, outlets }),
    ...intake.flatMap((entry) => entryParts(layout.names, entry)),
  ]
  const rungs = layout.rungs(settings.queueType, shards)
  return {
    options,
    settings,
    endpoints: parseEndpoints(settings.url),
    layout,
    rungs,
    parts,
    workQueues: queues,
    terminal,
  }
}

async function show({ endpoints, parts, terminal }: Work): Promise<void> {
  if (terminal.json) {
    await terminal.printJson(definitionsOf(parts, endpoints[0]!.vhost))
    return
  }
  for (const part of parts) await terminal.print(partText(part))
}

function partText(part: Part): string {
  if (part.kind === 'binding') return `binding   ${part.from} → ${part.name}  ${part.key}`
  const details = Object.entries(part.arguments).map(([name, value]) => `${name}=${String(value)}`)
  return [part.kind.padEnd(9), part.name, part.kind === 'exchange' ? part.type : '', ...details].join(' ').trimEnd()
}

async function apply({ settings, endpoints, layout, rungs, parts, workQueues, terminal }: Work): Promise<void> {
  const progress = terminal.progress('declaring', 'parts')
  const told = (done: number) => progress.update(done, done / parts.length)
  const changes = await withDeclarer({ ...settings, endpoints }, (declarer) =>
    applyParts(declarer, parts, { workQueues, told }).then(async (changes) => {
      await markRungs(declarer, layout, rungs)
      return changes
    }),
  ).finally(() => progress.end())
  await report(terminal, changes, (created) => `${created} created, ${changes.length - created} were there`, 'created')
}

async function verify(work: Work): Promise<void> {
  const { options, endpoints, parts, workQueues, terminal } = work
  const over = await overManagement(options.management, endpoints, (api, { vhost }) => layoutFacts(api, vhost, parts))
  const byName = 'reason' in over
  if (byName) terminal.warn('only names are looked at, not arguments and bindings', over)
  const gaps = byName
    ? await missing(work)
    : gapsAmong(parts, { management: over.answer, seenQueues: new Map(), seenExchanges: new Map() }, workQueues)
  if (gaps.length > 0) process.exitCode = EXIT.failed
  if (terminal.json) {
    for (const gap of gaps) await terminal.printJson(gap)
    return
  }
  for (const gap of gaps) await terminal.print(gapText(gap))
  await terminal.print(verdict(gaps, byName))
}

async function missing({ settings, endpoints, parts, terminal }: Work): Promise<Gap[]> {
  const progress = terminal.progress('looking', 'parts')
  return withDeclarer({ ...settings, endpoints }, (declarer) =>
    missingParts(declarer, parts, (done) => progress.update(done, done / parts.length)),
  ).finally(() => progress.end())
}

function gapText(gap: Gap): string {
  if (gap.kind === 'binding')
    return `missing binding of ${gap.to} ${gap.name} to exchange ${gap.from}, key "${gap.key}"`
  const details = gap.change === 'differs' ? `: ${gap.differences.join('; ')}` : ''
  return `${gap.change} ${gap.kind} ${gap.name}${details}`
}

function verdict(gaps: readonly Gap[], byName: boolean): string {
  if (gaps.length === 0) return byName ? 'every name is there' : 'complete'
  const differing = gaps.filter(({ change }) => change === 'differs').length
  const [absent, different] = [gaps.length - differing, differing]
  return [
    ...(absent > 0 ? [`${absent} missing: dueque topology apply declares them`] : []),
    ...(different > 0 ? [`${different} differ: delete each one when it is empty, and apply`] : []),
  ].join('; ')
}

async function remove(work: Work): Promise<void> {
  const { options, settings, endpoints, parts, workQueues, terminal } = work
  const queues = await ownQueues(work)
  if (!options.force) {
    assertEmpty(queues)
    await assertNoneDelayed(work)
  }
  // A work queue is the application's, and so are what it gave up on and the entry of an intake.
  const kept = [...workQueues.flatMap((queue) => [queue, deadQueue(queue)]), ...(options.intake ?? [])]
  const listed = [...queues.keys()].map((name): Part => ({ kind: 'queue', name, arguments: {} }))
  const known = new Set([...queues.keys(), ...kept])
  const [delayed] = new Layout(new Names(settings.namespace), settings.queueType).delayed()
  const own = [...parts.filter(({ name }) => !known.has(name)), ...listed, delayed]
  const progress = terminal.progress('deleting', 'parts')
  const told = (done: number) => progress.update(done, done / own.length)
  const { changes, held } = await withDeclarer({ ...settings, endpoints }, (declarer) =>
    deleteParts(declarer, own, { force: options.force ?? false, told }),
  ).finally(() => progress.end())
  await report(terminal, changes, (deleted) => `${deleted} deleted`, 'deleted')
  if (held) throw stopped(held)
}

/** Every queue of the namespace with its total, from the management API: AMQP lists nothing and does not show what a dead-letter worker holds. */
async function ownQueues({ options, settings, endpoints, terminal }: Work): Promise<Map<string, Count>> {
  const [endpoint] = endpoints
  const api = apiOf(options, endpoint!)
  const pattern = `^${new Names(settings.namespace).prefix.replace(/[.]/g, '[.]')}[.]`
  try {
    return await listQueues(api, endpoint!.vhost, pattern)
  } catch (error) {
    if (!options.force || !(error instanceof CommandError)) throw error
    terminal.note(`${error.message}; deleting only what is known by name (--shards, --exchange)`)
    return new Map()
  }
}

/** The strategy `plugin` has them wait in an exchange; in a cluster, on any node. */
async function assertNoneDelayed({ options, settings, endpoints }: Work): Promise<void> {
  const [endpoint] = endpoints
  const { delayed } = new Names(settings.namespace)
  const messages = await delayedIn(apiOf(options, endpoint!), endpoint!.vhost, delayed)
  if (messages === undefined || messages === 0) return
  throw usage(
    `${delayed} holds ${messages ?? 'nobody knows how many'} messages: wait until they are due; --force deletes them`,
  )
}

function apiOf({ management }: Options, endpoint: Endpoint): ManagementApi {
  return management ? managementAt(management, endpoint) : managementBeside(endpoint)
}

function assertEmpty(queues: ReadonlyMap<string, Count>): void {
  const full = [...queues].filter(([, { messages }]) => messages > 0)
  const [first] = full
  if (!first) return
  const rest = full.length > 1 ? `, and ${full.length - 1} more queues have messages` : ''
  throw usage(`${first[0]} holds ${first[1].messages} messages${rest}: wait until they are due; --force deletes them`)
}

function stopped({ name, messages }: { name: string; messages: number }): CommandError {
  const now = `${messages} ${messages === 1 ? 'message' : 'messages'}`
  const mend = 'stop the producers, let dueque topology apply declare what was deleted, and wait until they are due'
  return new CommandError('NOT_EMPTY', `stopped before ${name}, which has ${now} by now: ${mend}; --force deletes them`)
}

async function report(
  terminal: Terminal,
  changes: readonly Change[],
  summary: (count: number) => string,
  shown: Change['change'],
): Promise<void> {
  const some = changes.filter(({ change }) => change === shown)
  if (terminal.json) {
    for (const change of changes) await terminal.printJson(change)
    return
  }
  for (const { kind, name } of some) await terminal.print(`${shown} ${kind} ${name}`)
  await terminal.print(summary(some.length))
}
