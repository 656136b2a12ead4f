import { Option, type Command } from 'commander'
import type { Due } from '../../../index.js'
import { usage } from '../../exit.js'
import { wholeNumber, type Settings } from '../../settings.js'
import { withWaitlist } from '../../stores/store-options.js'
import { plain, type Terminal } from '../../terminal.js'
import { notWaiting, targetOf } from './target.js'

type Options = Settings & { in?: string; at?: string; revision?: number }

const HELP = `
What it holds stays as it is, its expiry keeps its distance, and a retry is due then too. Exits with 1 if it did not wait.

Example:
  dueque reschedule appointment-42/24h --at 2030-01-31T09:00:00+01:00 --redis redis://localhost`

export function addReschedule(program: Command, terminal: Terminal): void {
  program
    .command('reschedule')
    .description('give a message that waits in a store another due time')
    .argument('<id>', 'of several, the latest')
    .option('--in <duration>', 'due in 250ms, 90s, 1h30m, 7d, PT1H, …')
    .addOption(new Option('--at <instant>', 'due at an ISO 8601 time with a zone').conflicts('in'))
    .option('--revision <n>', 'the latest up to this one', wholeNumber)
    .addHelpText('after', HELP)
    .action(async (id: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      const { in: delay, at, revision } = options
      if (delay === undefined && at === undefined) throw usage('no due time: --in or --at is needed')
      const due = (delay === undefined ? { at } : { in: delay }) as Due
      const target = targetOf(id, revision)
      const receipt = await withWaitlist(options, terminal, (waiting) => waiting.reschedule(target, due))
      if (!receipt) throw notWaiting(id)
      await (terminal.json ? terminal.printJson(receipt) : terminal.print(`${plain(id)} is due ${receipt.dueAt}`))
    })
}
