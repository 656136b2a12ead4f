import { InvalidArgumentError, type Command } from 'commander'
import { parkedSentOn } from '../../../amqp/parked.js'
import { Redrive, type RedrivePlan } from '../../../amqp/redrive.js'
import { checkDestination, type Destination } from '../../../destination.js'
import { usage } from '../../exit.js'
import { RedriveReport } from '../../redrive-report.js'
import { collect, wholeNumber, type Settings } from '../../settings.js'
import { Stop } from '../../stop.js'
import { Ids, withStorage } from '../../storage.js'
import type { Terminal } from '../../terminal.js'

interface Options extends Settings {
  id?: string[]
  all?: boolean
  limit?: number
  to?: Destination
  rate?: number
  declare?: boolean
}

const HELP = `
What is due goes to its destination at once, the rest waits for its due time. The destination is bound anew, which its
queue may have lost with its deletion. A message is removed from the parked ones when the broker has confirmed the new
copy: killed half-way nothing is lost, and a copy that is there twice is suppressed by consumers. What cannot be sent on
stays and is counted. SIGINT and SIGTERM end it after what is under way.`

export function addRedrive(parked: Command, terminal: Terminal): void {
  parked
    .command('redrive')
    .description('send parked messages on to where they belong')
    .option('--id <id>', 'this message; may be given several times', collect)
    .option('--all', 'all of them')
    .option('--limit <n>', 'so many at most', wholeNumber)
    .option('--to <destination>', 'there instead: queue:NAME, or exchange:NAME with the key they have', destinationOf)
    .option('--declare', 'declare a missing queue')
    .option('--rate <n/s>', 'messages a second at most', rateOf)
    .addHelpText('after', HELP)
    .action(async (_options: Options, command: Command) => redrive(command.optsWithGlobals(), terminal))
}

async function redrive(options: Options, terminal: Terminal): Promise<void> {
  const { id, all, to, declare = false, limit = Infinity, rate = Infinity } = options
  if (!id && !all && options.limit === undefined) throw usage('which ones? --id, --limit or --all')
  if (id && all) throw usage('--all: not beside --id')
  const stop = new Stop(terminal)
  process.exitCode = await withStorage(
    options,
    terminal,
    ({ parked }) => parked,
    async (queue, resolved) => {
      const ids = new Ids(id)
      const report = new RedriveReport(terminal, stop, Math.min(limit, queue.count))
      const plan: RedrivePlan = {
        chosen: (stored) => ids.has(stored),
        sentOn: (stored) => parkedSentOn(stored, to, resolved.clock.now()),
        declare,
        limit,
        ratePerSecond: rate,
        signal: stop.signal,
        settled: (stored, outcome) => report.settled(stored, outcome),
      }
      const nothing = () => undefined
      const blocked = (reason: string) => terminal.warn('RabbitMQ takes no messages for now', { reason })
      const error = (failure: Error) => terminal.error(failure)
      const events = { disconnected: nothing, reconnected: nothing, unblocked: nothing, blocked, error }
      const work = await Redrive.open(resolved, events)
      try {
        await work.run(queue, plan)
      } catch (failure) {
        report.broken(failure)
      } finally {
        await work.close()
      }
      return report.end(stop.reason === undefined ? ids.missing : [], queue)
    },
  )
}

function destinationOf(text: string): Destination {
  const [, kind, name] = /^(queue|exchange):(.+)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('Expected queue:NAME or exchange:NAME.')
  if (kind === 'queue') return checkDestination({ queue: name })
  checkDestination({ exchange: name })
  return { exchange: name }
}

function rateOf(text: string): number {
  const [, count] = /^(\d{1,9}(?:\.\d{1,9})?)(?:\/s)?$/.exec(text) ?? []
  if (!Number(count)) throw new InvalidArgumentError('Expected a rate such as 50/s.')
  return Number(count)
}
