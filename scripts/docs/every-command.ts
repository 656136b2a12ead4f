import { COMMANDS, namesOf } from '../../src/cli/commands.js'
import type { PageCommand } from '../../src/cli/help/page-command.js'
import { program } from '../../src/cli/program.js'
import { Terminal } from '../../src/cli/terminal.js'

/** The command line with all of its commands, whose modules are loaded otherwise only when they are named. */
export function everyCommand(): Promise<PageCommand> {
  const names = COMMANDS.flatMap(({ term }) => namesOf(term))
  return program(names, new Terminal({ json: false, utc: true }))
}
