import type { Command } from 'commander'
import { EXIT, usage } from '../../exit.js'
import { wholeNumber, type Settings } from '../../settings.js'
import { withWaitlist } from '../../stores/store-options.js'
import { plain, type Terminal } from '../../terminal.js'
import { notWaiting, targetOf } from './target.js'

type Options = Settings & { revision?: number }

const HELP = `
Takes back all that waits under an id, retries too. What is on its way to its queue is not waiting any more. Exits with 1 if
one of them did not wait.`

export function addCancel(program: Command, terminal: Terminal): void {
  program
    .command('cancel')
    .description('take back messages that wait in a store')
    .argument('<id...>')
    .option('--revision <n>', 'of one id: up to this one', wholeNumber)
    .addHelpText('after', HELP)
    .action(async (ids: string[], _options: Options, command: Command) => {
      process.exitCode = await cancel(ids, command.optsWithGlobals<Options>(), terminal)
    })
}

async function cancel(ids: readonly string[], options: Options, terminal: Terminal): Promise<number> {
  const { revision } = options
  if (revision !== undefined && ids.length > 1) throw usage('--revision: of one id only')
  return withWaitlist(options, terminal, async (waiting) => {
    let code: number = EXIT.ok
    for (const id of ids) {
      const outcome = await waiting.cancel(targetOf(id, revision))
      if (outcome === 'not-waiting') code = EXIT.partial
      if (terminal.json) await terminal.printJson({ id, outcome })
      else if (outcome === 'cancelled') await terminal.print(`cancelled ${plain(id)}`)
      else terminal.error(notWaiting(id))
    }
    return code
  })
}
