import type { Command } from 'commander'
import { counted } from '../../base/counted.js'
import { unpackBatches } from '../../operate/unpack-batches.js'
import { EXIT } from '../exit.js'
import { operatorOptions, type OperatorFlags } from '../settings.js'
import { Stop } from '../stop.js'
import { plain, type Terminal } from '../terminal.js'

type Flags = OperatorFlags & { watch?: boolean }

const HELP = `
scheduleAll(items, { batch: true }) sends many messages as one, to the queue <queue>.batches, for consumers that take batches.
unpack sends each of these messages to <queue> itself, due ones at once and the others when they are due. Use it before you go
back to consumers that take none: stop the producers that make batches, then let it run with --watch until no batch waits any
more. A batch is removed when RabbitMQ has confirmed all of its messages: if unpack is killed, nothing is lost, and consumers
suppress a copy that is there twice. SIGINT and SIGTERM end it after the batches that are under way.

Examples:
  dueque batches unpack reminders            # the batches that are there now
  dueque batches unpack reminders --watch    # and those that come, until it is stopped`

export function addBatches(group: Command, terminal: Terminal): void {
  group
    .command('unpack')
    .description('send each message of the batches for a queue on its own')
    .argument('<queue>', 'the work queue')
    .option('--watch', 'go on until it is stopped')
    .addHelpText('after', HELP)
    .action(async (queue: string, _options: Flags, self: Command) =>
      unpack(queue, self.optsWithGlobals<Flags>(), terminal),
    )
}

async function unpack(queue: string, { watch, ...flags }: Flags, terminal: Terminal): Promise<void> {
  const stop = new Stop(terminal)
  const summary = await terminal.tracking('unpacking', 'batches', (onProgress) =>
    unpackBatches(queue, {
      ...operatorOptions(flags, terminal),
      ...{ watch, signal: stop.signal, onProgress },
      onBlocked: (reason) => terminal.warn('RabbitMQ takes no messages for now', { reason }),
      onError: (error) => terminal.error(error),
    }),
  )
  const { batches, messages, unreadable } = summary
  const left = unreadable > 0 ? `; ${counted(unreadable, 'batch', 'batches')} cannot be read and stayed` : ''
  const text = `sent ${counted(messages, 'message')} of ${counted(batches, 'batch', 'batches')} to ${queue}${left}`
  await (terminal.json ? terminal.printJson(summary) : terminal.print(plain(text)))
  const { reason } = stop
  if (unreadable > 0) process.exitCode = EXIT.partial
  else if (reason === 'SIGINT' || reason === 'SIGTERM') process.exitCode = watch ? EXIT.ok : EXIT[reason]
}
