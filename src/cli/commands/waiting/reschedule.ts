import type { Command } from 'commander'
import { isDuequeError } from '../../../base/errors.js'
import type { CancelResult, CancelTarget, Due, RescheduleContent } from '../../../index.js'
import { parseInstant } from '../../../message/due.js'
import { checkTarget } from '../../../schedule/target.js'
import { findIn } from '../../../schedule/view-methods.js'
import { withCancelling } from '../../cancelling.js'
import { EXIT, usage } from '../../exit.js'
import { contentOf } from '../../item.js'
import { journalOf, journalOption, type JournalSettings } from '../../journal-option.js'
import {
  addContent,
  addDestination,
  addDue,
  fieldsOf,
  readPayload,
  type MessageOptions,
} from '../../message-options.js'
import { wholeNumber, type Settings } from '../../settings.js'
import { hasStore } from '../../stores/store-options.js'
import { plain, type Terminal } from '../../terminal.js'
import { notFound, targetOf } from './target.js'

type Options = Settings &
  JournalSettings &
  MessageOptions & { in?: string; at?: string; due?: string; revision?: number }

const HELP = `
With a store (--redis, --postgres) the message keeps what it holds, unless --data or --file gives something else. Its expiry
keeps its distance, and a retry is due then too. Exits with 1 if it did not wait.

Without one, messages wait in RabbitMQ itself. If they are in a journal (ladder({ journal: true })), the message keeps what it
holds; exits with 1 if it is not there. Otherwise give the whole message again, with its destination, and with --journal if there
is a journal. The new message is scheduled first, then the old one is cancelled: --due, the old due time, tells whether that was
in time; a journal knows it. If it was not, both may be delivered. Exits with 1 then.

Examples:
  dueque reschedule appointment-42/24h --in 2h      # from the journal
  dueque reschedule appointment-42/24h --at 2030-01-31T09:00:00+01:00 --redis redis://localhost
  dueque reschedule appointment-42/24h --in 2h --due 2030-01-31T09:00:00+01:00 --queue reminders \\
    --name appointment.reminder --data '{"patient":"p-7"}'`

export function addReschedule(command: Command, terminal: Terminal): void {
  command.argument('<id>', 'of several, the latest')
  addContent(addDestination(addDue(command)), 'a JSON document')
    .option('--due <instant>', 'the due time that it had')
    .option('--revision <n>', 'the revision that it has', wholeNumber)
    .addOption(journalOption())
    .addHelpText('after', HELP)
    .action(async (id: string, _options: Options, self: Command) => run(id, self.optsWithGlobals<Options>(), terminal))
}

async function run(id: string, options: Options, terminal: Terminal): Promise<void> {
  const { in: delay, at, due: oldDue, revision } = options
  if (delay === undefined && at === undefined) throw usage('no due time: --in or --at is needed')
  if (oldDue !== undefined) parseInstant(oldDue)
  const due = (delay === undefined ? { at } : { in: delay }) as Due
  journalOf(options)
  const content = await contentFrom(options)
  const target = targetOf(id, revision, oldDue)
  const receipt =
    content || hasStore(options)
      ? await withCancelling(options, terminal, ({ reschedule }) => reschedule(target, due, content!))
      : await rescheduleJournalled(target, due, options, terminal)
  if (!receipt) throw notFound(id, options)
  const { replaced, dueAt } = receipt
  if (replaced === 'too-late') process.exitCode = EXIT.partial
  const text = `${plain(id)} is due ${terminal.times.when(new Date(dueAt))}${NOTES[replaced] ?? ''}`
  await (terminal.json ? terminal.printJson(receipt) : terminal.print(text))
}

/** With the content that the journal in RabbitMQ has. */
async function rescheduleJournalled(target: CancelTarget, due: Due, options: Options, terminal: Terminal) {
  const { withWaiting } = await import('../../with-waiting.js')
  const { withJournalled } = await import('../../with-dueque.js')
  try {
    return await withWaiting(options, terminal, async (journal) => {
      // A connection that schedules declares a missing journal.
      if ((await findIn(journal, checkTarget(target))).length === 0) return undefined
      return withJournalled(options, terminal, journal, (mq) => mq.reschedule(target, due))
    })
  } catch (error) {
    if (isDuequeError(error, 'INVALID_OPTION') && error.data.option === 'content')
      throw usage('the journal keeps no bodies: give the payload, --data or --file', error)
    throw error
  }
}

const NOTES: Partial<Record<CancelResult, string>> = {
  'too-late': '. It was too late to cancel the old message: both may be delivered',
  unknown:
    '. The old message is cancelled, if it is due within 30 days and not handled yet: --due tells whether that was in time',
}

/** Options that say something of a content, beside its payload. */
const OF_CONTENT = ['queue', 'exchange', 'key', 'declare', 'name', 'schemaVersion', 'header', 'priority'] as const

/** What the message holds from now on; undefined if it keeps what it holds. @throws CommandError of wrong usage */
async function contentFrom(options: Options): Promise<RescheduleContent | undefined> {
  const { data, file, declare, correlationId, expiresIn, journal } = options
  if (data === undefined && file === undefined) {
    const isMore = [...OF_CONTENT.map((name) => options[name]), correlationId, expiresIn, journal].some(
      (value) => value !== undefined,
    )
    if (isMore) throw usage('options of the message need its payload as well: --data or --file')
    return undefined
  }
  const { message, payload, options: more } = contentOf(await readPayload(options), fieldsOf(options))
  if (more.to === undefined && !hasStore(options))
    throw usage('a destination is needed: --queue, or --exchange with --key')
  return { message, payload, options: { ...more, declare } }
}
