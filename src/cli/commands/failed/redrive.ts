import { InvalidArgumentError, type Command } from 'commander'
import { checkDestination, type Destination } from '../../../message/destination.js'
import { meansAll } from '../../../operate/failed/failed-filter.js'
import { redriveFailed, type RedriveFailedOptions } from '../../../operate/failed/redrive-failed.js'
import { usage } from '../../exit.js'
import type { FailedSummary } from '../../../operate/failed/failed-kind.js'
import { addFilter, filterOf, type FilterFlags } from '../../failed/filter-options.js'
import type { FailedGroup } from '../../failed/group.js'
import { orQueueMissing } from '../../failed/missing.js'
import { RedriveReport } from '../../failed/redrive-report.js'
import {
  dryRunOption,
  managementOption,
  operatorOptions,
  rateOf,
  wholeNumber,
  type OperatorFlags,
} from '../../settings.js'
import { Stop } from '../../stop.js'
import type { Terminal } from '../../terminal.js'

interface Flags extends OperatorFlags, FilterFlags {
  all?: boolean
  limit?: number
  to?: Destination
  rate?: number
  declare?: boolean
  bind?: Destination[]
  dryRun?: boolean
}

const HELP = `
Due messages go to their destination at once, the others wait for their due time. A message is removed here when the broker
has confirmed the new copy: if redrive is killed half-way, nothing is lost, and consumers suppress a copy that is there twice.
Messages that cannot be sent on stay and are counted. SIGINT and SIGTERM end it after the messages that are under way.`

const SELF_ADDRESSED_HELP = `
Messages go to a destination that they name themselves if it is bound in the namespace, which the management API tells. Look
at the others before you bind them: whoever may send messages can name any queue. --declare declares missing queues that
--bind or --to names.`

export function addRedrive<S extends FailedSummary>(parent: Command, group: FailedGroup<S>, terminal: Terminal): void {
  const command = parent.command('redrive').description(`send ${group.word} messages on to where they belong`)
  if (group.argument) command.argument(...group.argument)
  addFilter(command, group)
    .option('--all', 'all of them')
    .option('--limit <n>', 'so many at most', wholeNumber)
    .option('--to <destination>', 'there instead: queue:NAME or exchange:NAME', destinationOf)
    .option('--declare', 'declare a missing queue')
    .option('--rate <n/s>', 'messages a second at most', rateOf)
    .addOption(dryRunOption())
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      await redrive(group, this.args, this.optsWithGlobals<Flags>(), terminal)
    })
  if (!group.isSelfAddressed) return
  command
    .option('--bind <destination>', 'bind queue:NAME or exchange:NAME; several times', collectDestinations)
    .addOption(managementOption())
    .addHelpText('after', SELF_ADDRESSED_HELP)
}

async function redrive<S extends FailedSummary>(
  group: FailedGroup<S>,
  args: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  const filter = filterOf(flags)
  assertChosen(filter, flags)
  const kind = group.kindOf(args)
  const { to, bind, declare, limit, rate: ratePerSecond, dryRun } = flags
  const stop = new Stop(terminal)
  const report = new RedriveReport(terminal, stop, { wantsBind: group.isSelfAddressed && to === undefined, dryRun })
  const work = redriveFailed(kind, {
    ...operatorOptions(flags, terminal),
    ...{ filter, to, bind, declare, limit, ratePerSecond, dryRun, signal: stop.signal },
    onResult: (result) => report.add(result),
    onProgress: (done, whole) => report.progress(done, whole),
    onGivingBack: () => report.givingBack(),
    onBlocked: (reason) => terminal.warn('RabbitMQ takes no messages for now', { reason }),
    onError: (error) => terminal.error(error),
  })
  const summary = await orQueueMissing(work, group, args, flags, terminal)
  process.exitCode = await report.end(summary)
}

/** @throws CommandError `USAGE` */
function assertChosen(filter: NonNullable<RedriveFailedOptions['filter']>, { all, limit }: Flags): void {
  const isAll = meansAll(filter)
  if (isAll && !all && limit === undefined) throw usage('which ones? --id, --name, …, --limit or --all')
  if (!isAll && all) throw usage('--all: not beside what chooses some')
}

function collectDestinations(text: string, before: Destination[] | undefined): Destination[] {
  return [...(before ?? []), destinationOf(text)]
}

function destinationOf(text: string): Destination {
  const [, kind, name] = /^(queue|exchange):(.+)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('Expected queue:NAME or exchange:NAME.')
  if (kind === 'queue') return checkDestination({ queue: name })
  checkDestination({ exchange: name })
  return { exchange: name }
}
