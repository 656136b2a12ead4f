import { Option, type Command } from 'commander'
import { errorText, shown } from '../../../base/errors.js'
import type { CancelResult, CancelTarget, Receipt } from '../../../index.js'
import { parseInstant } from '../../../message/due.js'
import { AT_A_TIME } from '../../../operate/waiting-changes.js'
import { runAll } from '../../../schedule/run-all.js'
import { withCancelling } from '../../cancelling.js'
import { CommandError, errorJson, EXIT, usage } from '../../exit.js'
import { linesOf } from '../../lines.js'
import { dryRunOption, wholeNumber } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'
import { addFilter, filterFlags } from '../../waiting-filter.js'
import { cancelAll, type CancelAllOptions } from './cancel-all.js'
import { notWaiting, targetOf } from './target.js'

type Options = CancelAllOptions & { revision?: number; due?: string; receipts?: boolean; all?: boolean }

const HELP = `
With a store (--redis, --postgres) the answer is exact: cancelled, or not-waiting. A message on its way to its queue is not waiting
any more. All messages under an id are taken back, their retries too.

Without one, messages wait in RabbitMQ itself. A cancellation is a record that the consumers read before they handle a message:
  cancelled  recorded in time, a second before --due at least: no handler starts for it
  too-late   recorded later: dropped if a consumer still meets it
  unknown    recorded, without --due: one of the two
With unknown, a message that is due in more than 30 days is handled.
It concerns all messages that were scheduled under the id until now, or exactly one with --revision.

With --all and a filter, every waiting message that fits is cancelled, as the store shows them, or the journal in RabbitMQ
(ladder({ journal: true })). It shows how many these are, and asks first; without a terminal --yes is needed. Messages that come
later are not cancelled. SIGINT and SIGTERM end it after the cancellations that are under way.

Exits with 1 if a message did not wait, its cancellation was too late, or the answer is no. With --json each answer is a line
{"id":…,"outcome":…}, or {"id":…,"error":…}, in the order in which they are known; after --all comes a line with the numbers.

Examples:
  dueque cancel appointment-42/24h --due 2030-01-31T09:00:00+01:00
  dueque cancel appointment-42/24h --redis redis://localhost
  psql -XAtc 'select id from cancelled' | dueque cancel -
  dueque cancel - --receipts < receipts.ndjson     # as dueque schedule --json has printed them
  dueque cancel --all --queue reminders --id-prefix appointment-42/`

export function addCancel(command: Command, terminal: Terminal): void {
  command
    .argument('[id...]', 'or - for ids on standard input, one a line')
    .option('--due <instant>', 'the latest due time of these messages')
    .option('--revision <n>', 'of one id: exactly this one', wholeNumber)
    .addOption(new Option('--receipts', 'standard input has receipts, in JSON').conflicts(['due', 'revision']))
    .addOption(
      new Option('--all', 'every message that fits the options below').conflicts(['due', 'revision', 'receipts']),
    )
    .option('--yes', 'with --all: do not ask')
    .addOption(dryRunOption())
  addFilter(command)
    .addHelpText('after', HELP)
    .action(async (ids: string[], _options: Options, self: Command) => {
      const options = self.optsWithGlobals<Options>()
      assertOneWay(ids, options)
      process.exitCode = await (options.all ? cancelAll(options, terminal) : cancel(ids, options, terminal))
    })
}

/** @throws CommandError of wrong usage */
function assertOneWay(ids: readonly string[], options: Options): void {
  const { all = false, yes, dryRun } = options
  if (all && ids.length > 0) throw usage('--all: expected no ids beside it')
  if (all) return
  if (ids.length === 0) throw usage('which messages? Expected ids, - for standard input, or --all with a filter')
  const [flag] = yes ? ['--yes'] : dryRun ? ['--dry-run'] : filterFlags(options)
  if (flag !== undefined) throw usage(`${flag}: only beside --all`)
}

async function cancel(ids: readonly string[], options: Options, terminal: Terminal): Promise<number> {
  const items = itemsOf(ids, options)
  const isOne = ids.length === 1 && ids[0] !== '-'
  return withCancelling(options, terminal, async (methods) => {
    let code: number = EXIT.ok
    const run = ({ target, error }: Item) => (error ? Promise.reject(error) : methods.cancel(target))
    for await (const result of runAll(items, { run, done: (outcome) => ({ outcome }) }, AT_A_TIME)) {
      const { item, outcome, error } = result
      // Its own exit code says more.
      if (error && isOne) throw error
      if (error || outcome === 'not-waiting' || outcome === 'too-late') code = EXIT.partial
      const isRead = await (error ? failed(item, error, terminal) : answered(item.id, outcome, terminal))
      if (!isRead) return EXIT.partial
    }
    return code
  })
}

/** One cancellation; with an error if its line cannot be read. */
type Item =
  | { readonly id: string; readonly target: CancelTarget; readonly error?: never }
  | { readonly id: string; readonly target?: never; readonly error: Error }

/** @throws CommandError, DuequeError of wrong usage, before anything is asked */
function itemsOf(
  ids: readonly string[],
  { revision, due, receipts = false }: Options,
): Iterable<Item> | AsyncIterable<Item> {
  const hasInput = ids.includes('-')
  if (hasInput && ids.length > 1) throw usage('expected ids, or - alone for standard input')
  if (receipts && !hasInput) throw usage('--receipts is for standard input: dueque cancel - --receipts')
  if (revision !== undefined && (hasInput || ids.length > 1)) throw usage('--revision: of one id only')
  if (due !== undefined) parseInstant(due)
  const itemOf = (id: string): Item => ({ id, target: targetOf(id, revision, due) })
  return hasInput ? itemsOfInput(receipts ? itemOfReceipt : itemOf) : ids.map(itemOf)
}

async function* itemsOfInput(itemOf: (text: string) => Item): AsyncGenerator<Item> {
  for await (const { number, text, problem } of linesOf(process.stdin)) {
    const id = `line ${number}`
    try {
      yield text === undefined ? { id, error: new CommandError('INVALID_LINE', `${id}: ${problem}`) } : itemOf(text)
    } catch (error) {
      yield { id, error: new CommandError('INVALID_LINE', `${id}: ${errorText(error)}`) }
    }
  }
}

function itemOfReceipt(text: string): Item {
  const target = JSON.parse(text) as Receipt
  const { id } = Object(target) as Partial<Receipt>
  if (typeof id !== 'string') throw new Error('expected a receipt, as dueque schedule --json prints it')
  return { id, target }
}

function answered(id: string, outcome: CancelResult, terminal: Terminal): Promise<boolean> | boolean {
  if (terminal.json) return terminal.printJson({ id, outcome })
  switch (outcome) {
    case 'cancelled':
      return terminal.print(`cancelled ${plain(id)}`)
    case 'unknown':
      return terminal.print(
        `cancelled ${plain(id)}, if it is due within 30 days and not handled yet: --due tells whether that was in time`,
      )
    case 'too-late':
      terminal.error(
        new CommandError('TOO_LATE', `too late for ${shown(id)}: it is dropped only if no consumer has it yet`),
      )
      return true
    case 'not-waiting':
      terminal.error(notWaiting(id))
      return true
  }
}

function failed({ id }: Item, error: Error, terminal: Terminal): Promise<boolean> | boolean {
  if (terminal.json) return terminal.printJson({ id, error: errorJson(error) })
  terminal.error(error)
  return true
}
