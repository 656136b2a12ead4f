import type { Command } from 'commander'
import { EXACT, findIn, waitingMessage } from '../../../schedule/view-methods.js'
import { checkTarget } from '../../../schedule/target.js'
import { wholeNumber, type Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'
import { waitingDetails, waitingJson } from '../../waiting-text.js'
import { withWaiting } from '../../with-waiting.js'
import { notFound, targetOf } from './target.js'

type Options = Settings & { revision?: number }

const HELP = `
With a store (--redis, --postgres) no RabbitMQ is needed. Without one, the journal in RabbitMQ is read: ladder({ journal: true }).`

export function addShow(command: Command, terminal: Terminal): void {
  command
    .argument('<id>', 'of several, the latest')
    .option('--revision <n>', 'the revision that it has', wholeNumber)
    .addHelpText('after', HELP)
    .action(async (id: string, _options: Options, self: Command) => show(id, self.optsWithGlobals<Options>(), terminal))
}

async function show(id: string, options: Options, terminal: Terminal): Promise<void> {
  const target = checkTarget(targetOf(id, options.revision))
  const [found] = await withWaiting(options, terminal, (waiting) => findIn(waiting, target))
  if (!found) throw notFound(id, options)
  const message = waitingMessage(found, EXACT)
  await (terminal.json
    ? terminal.printJson({ ...waitingJson(message), bodyBytes: found.body?.byteLength })
    : terminal.print(waitingDetails(message, found.body, terminal.times)))
}
