import { InvalidArgumentError, type Command } from 'commander'
import { Redrive, type RedrivePlan } from '../../../operate/failed/redrive.js'
import { checkDestination, type Destination } from '../../../message/destination.js'
import type { ResolvedOptions } from '../../../options.js'
import { usage } from '../../exit.js'
import { managementOption, rateOf, wholeNumber, type Settings } from '../../settings.js'
import { Stop } from '../../stop.js'
import { boundIn } from '../../stored/bound.js'
import { addChoice, Choice, type ChoiceOptions } from '../../stored/choice.js'
import { RedriveReport } from '../../stored/redrive-report.js'
import { withStorage } from '../../stored/storage.js'
import type { Kind, Store } from '../../stored/store.js'
import type { Terminal } from '../../terminal.js'

type Chosen = Omit<Options, 'bind'> & {
  /** Those that may be bound, if not all may. */
  bind: readonly Destination[] | undefined
}

interface Options extends Settings, ChoiceOptions {
  all?: boolean
  limit?: number
  to?: Destination
  rate?: number
  declare?: boolean
  bind?: Destination[]
  management?: string
}

const HELP = `
Due messages go to their destination at once, the others wait for their due time. A message is removed here when the broker has confirmed the new copy: killed
half-way nothing is lost, and a copy that is there twice is suppressed by consumers. What cannot be sent on stays and is
counted. SIGINT and SIGTERM end it after what is under way.`

const BY_MESSAGE_HELP = `
Messages go to a destination that they name themselves if it is bound in the namespace, which the management API tells. Look
at the others before you bind them: whoever may send messages can name any queue. --declare declares missing queues that
--bind or --to names.`

export function addRedrive(group: Command, kind: Kind, terminal: Terminal): void {
  const command = group.command('redrive').description(`send ${kind.word} messages on to where they belong`)
  if (kind.argument) command.argument(...kind.argument)
  addChoice(command, kind)
    .option('--all', 'all of them')
    .option('--limit <n>', 'so many at most', wholeNumber)
    .option('--to <destination>', 'there instead: queue:NAME, or exchange:NAME with the key they have', destinationOf)
    .option('--declare', 'declare a missing queue')
    .option('--rate <n/s>', 'messages a second at most', rateOf)
    .addHelpText('after', HELP)
    .action(async function (this: Command) {
      const options = this.optsWithGlobals<Options>()
      const bind = kind.isByMessage && options.to === undefined ? (options.bind ?? []) : undefined
      await redrive(kind.storeOf(this.args), { ...options, bind }, terminal)
    })
  if (!kind.isByMessage) return
  command
    .option('--bind <destination>', 'bind queue:NAME or exchange:NAME; may be given several times', collectDestinations)
    .addOption(managementOption())
    .addHelpText('after', BY_MESSAGE_HELP)
}

async function redrive(store: Store, options: Chosen, terminal: Terminal): Promise<void> {
  const isAll = Choice.isAll(options)
  if (isAll && !options.all && options.limit === undefined) throw usage('which ones? --id, --name, …, --limit or --all')
  if (!isAll && options.all) throw usage('--all: not beside what chooses some')
  const stop = new Stop(terminal)
  process.exitCode = await withStorage(options, terminal, store, async (queue, resolved) => {
    const choice = new Choice(options, store)
    const report = new RedriveReport(terminal, stop, {
      whole: Math.min(options.limit ?? Infinity, queue.count),
      wantsBind: options.bind !== undefined,
    })
    const work = await open(resolved, terminal)
    try {
      const isBound = boundIn(resolved, options.management)
      await work.run(queue, planOf({ store, options, choice, report, stop, isBound, now: () => resolved.clock.now() }))
    } catch (failure) {
      report.broken(failure)
    } finally {
      await work.close()
    }
    return report.end(stop.reason === undefined ? choice.missing : [], queue)
  })
}

interface Parts {
  store: Store
  options: Chosen
  choice: Choice
  report: RedriveReport
  stop: Stop
  isBound: RedrivePlan['isBound']
  now: () => number
}

function planOf({ store, options, choice, report, stop, isBound, now }: Parts): RedrivePlan {
  const { to, bind, declare = false, limit = Infinity, rate = Infinity } = options
  return {
    chosen: (stored) => {
      if (!choice.has(stored)) return false
      if (!store.isExpired(stored, now())) return true
      report.expired(stored)
      return false
    },
    sentOn: (stored) => store.sentOn(stored, to, now()),
    declare,
    isNamed: ({ queue, exchange }) =>
      bind === undefined || bind.some((one) => one.queue === queue && one.exchange === exchange),
    isBound,
    limit,
    ratePerSecond: rate,
    signal: stop.signal,
    settled: (stored, outcome) => report.settled(stored, outcome),
  }
}

function open(resolved: ResolvedOptions, terminal: Terminal): Promise<Redrive> {
  const nothing = () => undefined
  const blocked = (reason: string) => terminal.warn('RabbitMQ takes no messages for now', { reason })
  const error = (failure: Error) => terminal.error(failure)
  return Redrive.open(resolved, { disconnected: nothing, reconnected: nothing, unblocked: nothing, blocked, error })
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
