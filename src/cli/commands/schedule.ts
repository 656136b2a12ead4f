import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Option, type Command } from 'commander'
import { destinationText } from '../../message/destination.js'
import { errorText } from '../../base/errors.js'
import { resolveSchedule } from '../../schedule/schedule-options.js'
import { ladder } from '../../strategies/ladder/ladder.js'
import { usage } from '../exit.js'
import { itemOf, LINE_HELP, type Fields } from '../item.js'
import { journalOption, type JournalSettings } from '../journal-option.js'
import { addContent, addDestination, addDue, fieldsOf, readPayload, type MessageOptions } from '../message-options.js'
import { scheduleLines } from '../schedule-lines.js'
import type { Settings } from '../settings.js'
import { Stop } from '../stop.js'
import { plain, type Terminal } from '../terminal.js'
import { hasStore } from '../stores/store-options.js'
import { withDueque, withLadder } from '../with-dueque.js'

type Options = Settings &
  JournalSettings &
  MessageOptions &
  Pick<Fields, 'in' | 'at' | 'id'> & { raw?: boolean; batch?: boolean }

const EXAMPLES = `
Examples:
  dueque schedule --queue reminders --in 30m --name appointment.reminder \\
    --data '{"patient":"p-7","room":"2b"}'
  dueque schedule --exchange clinic --key a.2b --at 2030-01-31T09:00:00+01:00 --file reminder.json
  jq -c '.[] | {data: ., id: .id, at: .remind}' all.json |
    dueque schedule --queue reminders --json > receipts.ndjson
  dueque schedule --queue reminders --file million.ndjson --batch
  psql -XAtc 'select to_json(p) from patients p' | dueque schedule --queue letters --in 7d --raw`

export function addSchedule(command: Command, terminal: Terminal): void {
  addContent(addDue(addDestination(command)), 'a JSON document; or lines, if *.ndjson or *.jsonl')
    .option('--id <id>', 'id of the message (default: a random UUID)')
    .addOption(new Option('--raw', 'each line is a payload and nothing else').conflicts('data'))
    .addOption(new Option('--batch', 'lines due together travel as one message').conflicts('data'))
    .addOption(journalOption())
    .addHelpText('after', `${LINE_HELP}\n${EXAMPLES}`)
    .action(async (_options: Options, self: Command) => run(self.optsWithGlobals<Options>(), terminal))
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  const fields = fieldsOf(options)
  const input = await openInput(options)
  check(fields, input !== undefined)
  const declare = options.declare ?? false
  if (options.batch) checkBatch(options, input !== undefined)
  if (!input) {
    const { message, payload, options: one } = itemOf(await readPayload(options), fields)
    const receipt = await withDueque(options, terminal, (mq) => mq.schedule(message, payload, { ...one, declare }))
    const { id, dueAt, destination } = receipt
    const due = terminal.times.when(new Date(dueAt))
    const text = `scheduled ${plain(id)} (${plain(message.name)}) to ${plain(destinationText(destination))}, due ${due}`
    await (terminal.json ? terminal.printJson(receipt) : terminal.print(text))
    return
  }
  const raw = options.raw ?? false
  const stop = new Stop(terminal)
  const lines = (schedule: Parameters<typeof scheduleLines>[0]) =>
    scheduleLines(schedule, input, { fields, raw, declare }, stop, terminal)
  process.exitCode = options.batch
    ? await withLadder(options, terminal, (mq) => lines((items) => mq.scheduleAll(items, { batch: true })))
    : await withDueque(options, terminal, (mq) => lines((items) => mq.scheduleAll(items)))
}

/** @throws CommandError `USAGE` */
function checkBatch(options: Options, lines: boolean): void {
  if (!lines) throw usage('--batch is for lines: on standard input, or in a file named *.ndjson or *.jsonl')
  if (options.declare)
    throw usage('--batch: not beside --declare, because consumers that take batches declare their queues')
  if (hasStore(options)) throw usage('--batch: only for messages that wait in RabbitMQ, without --redis and --postgres')
}

/** Refuses wrong options before the broker is asked. Fields that the lines will bring have stand-ins here. */
function check(fields: Fields, lines: boolean): void {
  const { id, queue, exchange, in: delay, at } = fields
  const noDestination = queue === undefined && exchange === undefined
  const noDue = delay === undefined && at === undefined
  if (!lines && noDestination) throw usage('a destination is needed: --queue, or --exchange with --key')
  if (!lines && noDue) throw usage('a due time is needed: --in or --at')
  if (lines && id !== undefined) throw usage('--id is for one message; a line brings its own id')
  const { options } = itemOf(null, { ...fields, ...(noDestination && { exchange: 'any' }), ...(noDue && { in: 0 }) })
  resolveSchedule(options, Date.now(), ladder().limits.maxDelayMs)
}

/** The stream of lines; undefined for a single message. */
async function openInput({ data, file, raw }: Options): Promise<Readable | undefined> {
  if (data !== undefined) return undefined
  if (file === undefined || file === '-') {
    if (process.stdin.isTTY) throw usage('nothing to schedule: give --data, --file, or lines on standard input')
    return process.stdin
  }
  if (!/\.(ndjson|jsonl)$/i.test(file)) {
    if (raw) throw usage('--raw is for lines: on standard input, or in a file named *.ndjson or *.jsonl')
    return undefined
  }
  const found = await stat(file).catch((error: unknown) => {
    throw usage(`--file: ${errorText(error)}`, error)
  })
  if (!found.isFile() && !found.isFIFO()) throw usage(`--file: ${file} is not a file`)
  return createReadStream(file)
}
