import type { Command } from 'commander'
import { isoTime } from '../../../message/iso-time.js'
import { parseInstant } from '../../../message/due.js'
import { errorJson, EXIT } from '../../exit.js'
import { number } from '../../progress.js'
import { withRecurring } from '../../recurring/with-recurring.js'
import type { Settings } from '../../settings.js'
import type { Terminal } from '../../terminal.js'

type Options = Settings & { from: string; to?: string }

const HELP = `
Each past time is sent, whether it was sent before or not, 100,000 at most; its handler sees delivery.backfilled. Exits with 1 if
some could not be sent.

Examples:
  dueque recurring backfill report --from 2026-01-01T00:00:00+01:00`

export function addBackfill(group: Command, terminal: Terminal): void {
  group
    .command('backfill')
    .description('send the occurrences of past times now')
    .argument('<id>', 'of the schedule')
    .requiredOption('--from <instant>', 'times from this ISO 8601 time with a zone on')
    .option('--to <instant>', 'times before this one (default: now)')
    .addHelpText('after', HELP)
    .action(async (id: string, _options: Options, self: Command) =>
      backfill(id, self.optsWithGlobals<Options>(), terminal),
    )
}

async function backfill(id: string, options: Options, terminal: Terminal): Promise<void> {
  const { from, to } = options
  for (const instant of [from, to]) if (instant !== undefined) parseInstant(instant)
  const summary = await withRecurring(options, terminal, (recurring) => recurring.backfill(id, { from, to }))
  const { scheduled, failed, failures } = summary
  if (failed > 0) process.exitCode = EXIT.partial
  if (terminal.json) {
    for (const { item, error } of failures) await terminal.printJson({ time: item, error: errorJson(error) })
    await terminal.printJson({ scheduled, failed })
    return
  }
  for (const { item, error } of failures.slice(0, 10)) terminal.warn(`${isoTime(item.getTime())}: ${error.message}`)
  await terminal.print(`${number(scheduled)} sent${failed > 0 ? `, ${number(failed)} failed` : ''}`)
}
