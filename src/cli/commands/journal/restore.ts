import type { Command } from 'commander'
import { ladder } from '../../../index.js'
import { parseInstant } from '../../../message/due.js'
import { restoreJournal } from '../../../operate/restore/restore-journal.js'
import { usage } from '../../exit.js'
import { RestoreReport } from '../../restore-report.js'
import { collect, connectOptions, dryRunOption, rateOf, shardCount, type Settings } from '../../settings.js'
import { Stop } from '../../stop.js'
import type { Terminal } from '../../terminal.js'

interface Flags extends Settings {
  from?: string[]
  fromNamespace?: string
  lostAt?: string
  yes?: boolean
  declare?: boolean
  bodies: boolean
  shards?: number
  rate?: number
}

const HELP = `
Schedules again, under the same ids and revisions, the messages that waited when a virtual host or a cluster was lost. It reads the
journal and the cancellations of --from, which may be copies of these streams, and needs all of them. --url and --namespace say
where the messages go. Without --from it reads the target's own journal, for a virtual host that lost its queues and kept its
streams; RabbitMQ delivers messages twice that it still has.

Without --yes it shows what it would do, and changes nothing. --yes needs --lost-at. Messages that became due since --lost-at are delivered at once;
messages that were due before count as delivered. It skips cancelled messages, and messages that are in the target's journal:
repeat it with the same options until nothing is left. If it is killed, a message is there twice at worst, and consumers with a
dedupe store handle it once.

Examples:
  dueque journal restore --from amqp://backup/ --lost-at 2026-01-31T09:00:00Z
  dueque journal restore --from amqp://backup/ --lost-at 2026-01-31T09:00:00Z --yes`

export function addRestore(group: Command, terminal: Terminal): void {
  group
    .command('restore')
    .description('schedule again the messages that a lost broker had waiting')
    .option('--from <url>', 'where the journal is (default: --url)', collect)
    .option('--from-namespace <name>', 'of that journal (default: --namespace)')
    .option('--lost-at <instant>', 'when they were lost (without --yes: now)')
    .option('--yes', 'schedule the messages; without it nothing changes')
    .addOption(dryRunOption().conflicts('yes'))
    .option('--declare', 'declare missing queues that messages go to')
    .option('--no-bodies', "the target's journal keeps no bodies")
    .option('--shards <n>', 'queues of each rung (default: 1)', shardCount)
    .option('--rate <n/s>', 'messages a second at most', rateOf)
    .addHelpText('after', HELP)
    .action(async (_options: Flags, command: Command) => {
      process.exitCode = await restore(command.optsWithGlobals<Flags>(), terminal)
    })
}

async function restore(flags: Flags, terminal: Terminal): Promise<number> {
  const { from: url, fromNamespace: namespace, lostAt, yes: execute = false, declare, bodies, shards, rate } = flags
  // Forgotten, messages that became due since the loss would count as delivered.
  if (execute && lostAt === undefined)
    throw usage('--yes: expected --lost-at, the instant at which the messages were lost or the producers moved')
  const stop = new Stop(terminal)
  const report = new RestoreReport(terminal, stop, { execute, isNow: lostAt === undefined })
  const work = restoreJournal({
    ...connectOptions(flags, terminal),
    ...{ from: { url, namespace }, execute, declare, ratePerSecond: rate, signal: stop.signal },
    lostAt: lostAt === undefined ? undefined : new Date(parseInstant(lostAt, '--lost-at')),
    strategy: ladder({ journal: { bodies }, shards }),
    onRead: (read, whole) => report.read(read, whole),
    onPlan: (plan) => report.plan(plan),
    onProgress: (done, whole) => report.progress(done, whole),
    onFailed: (id, error) => report.failed(id, error),
    onBlocked: (reason) => terminal.warn('RabbitMQ takes no messages for now', { reason }),
    onError: (error) => terminal.error(error),
  })
  return report.end(work)
}
