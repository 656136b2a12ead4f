import { Option, type Command } from 'commander'
import { durationText } from '../../base/duration-text.js'
import { onAny } from '../../consumer/delivery.js'
import type { Consumer, ConsumeOptions, Delivery, Dueque } from '../../index.js'
import { EXIT, usage } from '../exit.js'
import { wholeNumber, type Settings } from '../settings.js'
import { Stop } from '../stop.js'
import { plain, type Terminal } from '../terminal.js'
import type { Times } from '../terminal-times.js'
import { withDueque } from '../with-dueque.js'

type Options = Settings &
  Pick<ConsumeOptions, 'prefetch' | 'concurrency' | 'cancellations'> & { limit?: number; declare: boolean }

const HELP = `
A message is acked when it was printed. A message without JSON in it, or one that has expired, goes to QUEUE.dead as with any
consumer. Cancelled messages are acked and not printed. Ends at the limit, on SIGINT or SIGTERM, or when nobody reads the
output. Messages that were not printed go back. By default the broker sends 2 messages ahead for each that is printed at a time,
10 while printing is fast. With --limit it prints one by one, and the broker sends no more than the limit ahead.

Examples:
  dueque consume reminders --limit 1
  dueque consume reminders --json | jq .payload`

export function addConsume(command: Command, terminal: Terminal): void {
  command
    .argument('<queue>')
    .option('--limit <n>', 'end after so many; more are never acked', wholeNumber)
    .option('--prefetch <n>', 'messages that the broker sends ahead', wholeNumber)
    .option('--concurrency <n>', 'messages printed at a time (default: 10)', wholeNumber)
    .option('--no-declare', 'fail if the queue is missing')
    .addOption(
      new Option('--cancellations <on|off>', 'off: print cancelled messages too (default: on)').choices(['on', 'off']),
    )
    .addHelpText('after', HELP)
    .action(async (queue: string, _options: Options, self: Command) => {
      const options = self.optsWithGlobals<Options>()
      if (options.limit === 0) throw usage('--limit: expected a whole number from 1, got 0')
      if (options.limit !== undefined && (options.concurrency ?? 1) > 1) {
        throw usage('--concurrency: with --limit messages are printed one by one')
      }
      const stop = new Stop(terminal)
      let begun = (): void => undefined
      const beginning = new Promise<void>((resolve) => (begun = resolve))
      const running = withDueque(options, terminal, (mq) => consume(mq, queue, options, { stop, terminal, begun }))
      const start = await stop.started(Promise.race([beginning.then(() => 'begun'), running]))
      process.exitCode = start === undefined ? EXIT.ok : await running
    })
}

/** What a running command has around it. */
interface Surroundings {
  stop: Stop
  terminal: Terminal
  /** Called once it consumes. */
  begun: () => void
}

async function consume(
  mq: Dueque,
  queue: string,
  options: Options,
  { stop, terminal, begun }: Surroundings,
): Promise<number> {
  const { limit = Infinity } = options
  let printed = 0
  // A message may arrive before `consume` has resolved.
  const starting: Promise<Consumer> = mq.consume(queue, [onAny(print)], consumeOptions(options))

  async function print(delivery: Delivery): Promise<void> {
    const consumer = await starting
    if (!(await terminal.print(terminal.json ? jsonOf(delivery) : textOf(delivery, terminal.times)))) {
      stop.now('output closed')
      // Returning would ack the message, throwing would give it up. Left unsettled, it goes back to the queue.
      return new Promise(() => undefined)
    }
    if (++printed < limit) return
    // Closes while this handler still runs, so that no other starts.
    void consumer.close()
    stop.now('done')
  }

  const consumer = await starting
  begun()
  if (process.stderr.isTTY && !terminal.json) terminal.note(`consuming ${plain(queue)}, until Ctrl-C`)
  const reason = await stop.wait()
  await consumer.close(reason === 'output closed' ? { drainTimeoutMs: 0 } : {})
  return consumer.stats().dead > 0 ? EXIT.partial : EXIT.ok
}

/** With a limit, prints one message at a time: several at the same time could ack more than the limit. */
function consumeOptions({ limit, prefetch, concurrency, cancellations, ...flags }: Options): ConsumeOptions {
  // With `--topology trust` the default is to declare nothing, and `true` is refused.
  const declare = flags.declare ? undefined : false
  if (limit === undefined) return { prefetch, concurrency, declare, cancellations }
  return { prefetch: prefetch ?? Math.min(limit, 100), concurrency: 1, declare, cancellations }
}

function jsonOf(delivery: Delivery): string {
  return JSON.stringify({ ...delivery, signal: undefined })
}

function textOf({ name, id, dueAt, arrivedAt, latenessMs, payload }: Delivery, times: Times): string {
  const when = `${times.clock(arrivedAt)}  due ${times.clock(dueAt)}  +${durationText(latenessMs)}`
  return plain(`${when}  ${name || '-'}  ${id || '-'}  ${JSON.stringify(payload)}`)
}
