import type { Command } from 'commander'
import { EXIT_HELP } from '../exit.js'
import { PageHelp } from './page-help.js'

/** What holds for every command: its options, the management API, the exit codes. */
export function optionsPage(root: Command, columns: number | undefined): string {
  const help = new PageHelp()
  help.prepareContext({ helpWidth: columns })
  const items = help.items(root.options.map((one) => [help.optionTerm(one), help.optionDescription(one)] as const))
  return ['Options of every command, and their variables:', ...items, VALUES, EXIT_HELP].join('\n')
}

const VALUES = `
A password is safer in a variable: other users of a machine see its arguments.
An instant is in ISO 8601 with a zone: 2030-01-31T09:00:00+01:00. A duration is
250ms, 90s, 1h30m, "5 minutes", 7d, PT1H, …
--management is asked as the user of --url if it has none. Without it, the API is
looked for at port 15672 of the broker, for at most 2 s.`
