import { Option, type Command } from 'commander'
import { checkRecurring } from '../../../recurring/check-recurring.js'
import { usage } from '../../exit.js'
import { addDestination, fieldsOf, readPayload, type MessageOptions } from '../../message-options.js'
import { optionsOf, type RecurringFields } from '../../recurring/recurring-fields.js'
import { recurringDetails, SHOWN_TIMES } from '../../recurring/recurring-text.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import { collect, wholeNumber, type Settings } from '../../settings.js'
import { plain, type Terminal } from '../../terminal.js'

type Options = Settings & MessageOptions & Omit<RecurringFields, 'headers'>

const HELP = `
Prints the schedule and its next ten times. Nothing changes if it is exactly so already; waiting occurrences of a changed one are
cancelled, and come again by the new one. A paused schedule stays paused: dueque recurring resume.

A file that dueque recurring apply reads can have more fields: from, catchUpWindow, priority and schemaVersion.

Examples:
  dueque recurring set poll --every 15m --jitter 1m --queue polls --data null
  dueque recurring set report --cron '0 9 * * *' --tz Europe/Berlin \\
    --queue reports --name report --data '{}'`

export function addSet(group: Command, terminal: Terminal): void {
  const command = group.command('set').description('send a message again and again').argument('<id>', 'of the schedule')
  command
    .option('--cron <pattern>', 'minute hour day month weekday')
    .addOption(new Option('--tz <zone>', 'of the pattern (default: UTC)').conflicts('every'))
    .addOption(new Option('--every <duration>', 'at this interval, 1s or more').conflicts('cron'))
    .option('--until <instant>', 'not after this ISO 8601 time with a zone')
    .option('--limit <n>', 'so many times', wholeNumber)
    .option('--jitter <duration>', 'each comes later by up to this')
    .addOption(
      new Option('--catch-up <which>', 'missed times: once, none or all (default: once)').choices([
        'once',
        'none',
        'all',
      ]),
    )
    .option('--paused', 'send nothing until it is resumed')
    .option('--note <text>', 'for people')
  addDestination(command)
    .option('--name <name>', 'that on(…) at the consumer goes by (default: message)')
    .option('--header <name=value>', 'may be given several times', collect)
    .option('--expires-in <duration>', 'of no use this long after it was due')
    .option('--data <json>', 'the payload')
    .addOption(new Option('--file <path>', 'a JSON document, instead of --data').conflicts('data'))
    .addHelpText('after', HELP)
    .action(async (id: string, _options: Options, self: Command) => run(id, self.optsWithGlobals<Options>(), terminal))
}

async function run(id: string, options: Options, terminal: Terminal): Promise<void> {
  const { data, file, queue, exchange, cron, every, declare } = options
  if (queue === undefined && exchange === undefined)
    throw usage('a destination is needed: --queue, or --exchange with --key')
  if (cron === undefined && every === undefined) throw usage('no times: --cron or --every is needed')
  if (data === undefined && file === undefined) throw usage('a payload is needed: --data or --file')
  const fields = fieldsOf(options) as RecurringFields
  const set = { ...optionsOf(await readPayload(options), fields), declare }
  await checkRecurring(id, set, Date.now())
  await withRecurring(options, terminal, async (recurring) => {
    const { changed, ...schedule } = await recurring.set(id, set)
    const next = await recurring.next(id, SHOWN_TIMES)
    if (terminal.json) await terminal.printJson({ ...schedule, changed, next })
    else
      await terminal.print(
        `${changed ? 'set' : 'unchanged'} ${plain(id)}\n${recurringDetails(schedule, next, terminal.times)}`,
      )
  })
}
