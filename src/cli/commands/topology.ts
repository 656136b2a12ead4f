import { counted } from '../../base/counted.js'
import type { Command } from 'commander'
import { checkQueueName } from '../../message/destination.js'
import { intakeQueue } from '../../forwarding/intake-parts.js'
import { applyTopology } from '../../operate/topology/apply.js'
import { definitionsOf } from '../../operate/topology/definitions.js'
import type { Change } from '../../operate/topology/parts.js'
import { topologyPlan, type TopologyOptions } from '../../operate/topology/plan.js'
import { removeTopology, type Removal } from '../../operate/topology/remove.js'
import { verifyTopology } from '../../operate/topology/verify.js'
import { CommandError, EXIT, usage } from '../exit.js'
import {
  collect,
  dryRunOption,
  managementOption,
  operatorOptions,
  shardCount,
  type OperatorFlags,
} from '../settings.js'
import { plain, type Terminal } from '../terminal.js'
import { gapLines, isFault, partText, verdictText } from '../topology-text.js'

type Flags = OperatorFlags & {
  queue?: string[]
  batches?: string[]
  exchange?: string[]
  outlet?: string[]
  shards: number
  plugin?: boolean
  cancellations: boolean
  journal?: boolean
  recurring?: boolean
  intake?: string[]
  force?: boolean
  dryRun?: boolean
}

const HELP = `
The topology is everything that dueque declares: exchanges, the queues for unroutable and parked messages, 375 wait queues
(rungs), six streams of cancellations, as many of a --journal, and a stream and a queue of --recurring messages. Connections
with { topology: 'declare' } make it as they go; users without configure permission need it applied beforehand, with their
destinations. delete takes all streams, whatever options say.
verify accepts missing rungs, which are declared when first needed; with --topology trust it does not.
Names are all that AMQP shows. The management API shows arguments and bindings too: verify asks it at --management, or for
at most 2 s beside the broker (port 15672).

Examples:
  dueque topology apply --queue reminders --exchange clinic
  dueque topology apply --batches reminders      # for scheduleAll(items, { batch: true })
  dueque topology apply --plugin                 # for the strategy plugin
  dueque topology apply --journal --recurring    # for ladder({ journal: true }), mq.recurring
  dueque topology apply --no-cancellations       # without streams; cancellations: 'off'
  dueque topology apply --intake reminders --exchange reminders.due
  dueque topology show --json > definitions.json # for rabbitmqctl import_definitions
  dueque topology verify && echo complete
  dueque topology delete --namespace old`

export function addTopology(group: Command, terminal: Terminal): void {
  const command = (name: string, description: string, run: (flags: Flags, terminal: Terminal) => Promise<void>) =>
    group
      .command(name)
      .description(description)
      .option('--queue <name>', 'a work queue that is to get messages; several times', collect)
      .option('--batches <queue>', 'a work queue whose consumers take batches; several times', collect)
      .option('--exchange <name>', 'an exchange that is to get messages; several times', collect)
      .option('--outlet <queue>', 'a queue that has an outlet; several times', collect)
      .option('--shards <n>', 'queues of each rung', shardCount, 1)
      .option('--plugin', 'with the exchange of the delayed-message plugin')
      .option('--no-cancellations', 'without the streams of cancellations')
      .option('--journal', 'with the streams of a journal')
      .option('--recurring', 'with the parts of recurring messages')
      .option('--intake <exchange>', 'with entry and queue of an intake (plugin); several times', collect)
      .action(async (_options: Flags, self: Command) => run(self.optsWithGlobals<Flags>(), terminal))
  command('show', 'list it, without asking a broker', show)
  command('apply', 'declare missing parts and bind everything', apply).addOption(dryRunOption())
  command('verify', 'list missing parts, and parts with other arguments', verify)
    .addOption(managementOption())
    .option('--no-management', 'look at names alone')
  command('delete', 'delete it, unless messages wait in it; stop the producers first', remove)
    .addOption(managementOption())
    .option('--force', 'with the messages in it, and without a management API')
    .addOption(dryRunOption())
  group.addHelpText('after', HELP)
}

function optionsOf(flags: Flags, terminal: Terminal): TopologyOptions {
  const { queue = [], batches = [], exchange: exchanges = [], outlet = [], intake: intakes = [] } = flags
  const { shards, plugin, cancellations: cancellationStreams, journal, recurring, dryRun } = flags
  for (const entry of intakes) checkQueueName('--intake', intakeQueue(entry))
  return {
    ...operatorOptions(flags, terminal),
    queues: queue.map((name) => checkQueueName('--queue', name)),
    batches: batches.map((name) => checkQueueName('--batches', name)),
    outlets: outlet.map((name) => checkQueueName('--outlet', name)),
    exchanges,
    intakes,
    shards,
    plugin,
    cancellationStreams,
    journal,
    recurring,
    dryRun,
  }
}

async function show(flags: Flags, terminal: Terminal): Promise<void> {
  const { parts, settings } = topologyPlan(optionsOf(flags, terminal))
  if (terminal.json) await terminal.printJson(definitionsOf(parts, settings.vhost))
  else for (const part of parts) await terminal.print(partText(part))
}

async function apply(flags: Flags, terminal: Terminal): Promise<void> {
  const options = optionsOf(flags, terminal)
  const changes = await terminal.tracking(flags.dryRun ? 'looking' : 'declaring', 'parts', (onProgress) =>
    applyTopology({ ...options, onProgress }),
  )
  const summary = (created: number) =>
    `${created} ${doneText('created', flags)}, ${counted(changes.length - created, 'was', 'were')} there`
  await printChanges(terminal, changes, 'created', { flags, summary })
}

async function verify(flags: Flags, terminal: Terminal): Promise<void> {
  const options = optionsOf(flags, terminal)
  const { gaps, namesOnly } = await terminal.tracking('looking', 'parts', (onProgress) =>
    verifyTopology({ ...options, onProgress }),
  )
  if (namesOnly !== undefined)
    terminal.warn('only names are looked at, not arguments and bindings', { reason: namesOnly })
  if (gaps.some(isFault)) process.exitCode = EXIT.failed
  if (terminal.json) {
    for (const gap of gaps) await terminal.printJson(gap)
    return
  }
  for (const line of gapLines(gaps)) await terminal.print(line)
  await terminal.print(verdictText(gaps, namesOnly !== undefined))
}

async function remove(flags: Flags, terminal: Terminal): Promise<void> {
  const options = { ...optionsOf(flags, terminal), force: flags.force }
  const removal = await terminal.tracking(flags.dryRun ? 'looking' : 'deleting', 'parts', (onProgress) =>
    removeTopology({ ...options, onProgress }),
  )
  const { changes, refused, stopped, namesOnly } = removal
  if (refused) throw refusal(refused)
  if (namesOnly !== undefined)
    terminal.note(`${namesOnly}; only parts that are known by name are deleted (--shards, --exchange)`)
  const summary = (deleted: number) => `${deleted} ${doneText('deleted', flags)}`
  await printChanges(terminal, changes, 'deleted', { flags, summary })
  if (stopped) throw notEmpty(stopped)
}

function refusal({ name, messages, what, moreQueues }: NonNullable<Removal['refused']>): CommandError {
  const rest =
    moreQueues > 0
      ? `, and ${what === 'messages' ? counted(moreQueues, 'more queue has messages', 'more queues have messages') : counted(moreQueues, 'more stream has some', 'more streams have some')}`
      : ''
  const { one, many } = HELD[what]
  const count = messages === null ? `an unknown number of ${many}` : counted(messages, one, many)
  const todo = what === 'recurring' ? 'remove them' : 'wait until they are due'
  return usage(`${name} holds ${count}${rest}: ${todo}; --force deletes them`)
}

const NOT_DUE = 'of messages that are not due yet'
const HELD = {
  messages: { one: 'message', many: 'messages' },
  cancellations: { one: `cancellation ${NOT_DUE}`, many: `cancellations ${NOT_DUE}` },
  recurring: { one: 'definition of a recurring message', many: 'definitions of recurring messages' },
  journal: { one: `journal entry ${NOT_DUE}`, many: `journal entries ${NOT_DUE}` },
} as const

function notEmpty({ name, messages, what }: NonNullable<Removal['stopped']>): CommandError {
  const { one, many } = HELD[what]
  const now = messages === null ? `an unknown number of ${many}` : counted(messages, one, many)
  const until = what === 'recurring' ? 'remove them' : 'wait until they are due'
  const mend = `stop the producers, let dueque topology apply declare what was deleted, and ${until}`
  return new CommandError('NOT_EMPTY', `stopped before ${name}, which has ${now} by now: ${mend}; --force deletes them`)
}

async function printChanges(
  terminal: Terminal,
  changes: readonly Change[],
  shown: Change['change'],
  { flags, summary }: { flags: Flags; summary: (count: number) => string },
): Promise<void> {
  const { dryRun } = flags
  if (terminal.json) {
    for (const change of changes) await terminal.printJson({ ...change, dryRun })
    return
  }
  const some = changes.filter(({ change }) => change === shown)
  for (const { kind, name } of some)
    await terminal.print(plain(dryRun ? `${kind} ${name} ${doneText(shown, flags)}` : `${shown} ${kind} ${name}`))
  await terminal.print(summary(some.length))
}

function doneText(done: Change['change'], { dryRun }: Flags): string {
  return dryRun ? `would be ${done}` : done
}
