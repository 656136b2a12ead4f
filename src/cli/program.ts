import { packageVersion } from '../base/package-version.js'
import { COMMANDS, namesOf } from './commands.js'
import { usage } from './exit.js'
import { addHelpCommand } from './help/help-command.js'
import { PageCommand } from './help/page-command.js'
import { addSettings } from './settings.js'
import type { Terminal } from './terminal.js'

/** The first one is that of the README, and reaches its consumer. */
const EXAMPLES = `
Examples:
  dueque schedule --queue reminders --declare --in 5s \\
    --name appointment.reminder --data '{"patient":"p-7","room":"2b"}'
  dueque consume reminders --limit 1
  dueque status --watch
  dueque doctor`

/** @param args the modules of the commands among them are loaded */
export async function program(args: readonly string[], terminal: Terminal): Promise<PageCommand> {
  const root = new PageCommand('dueque')
    .description('Delayed messages on RabbitMQ.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .exitOverride()
    .helpCommand(false)
    .configureOutput({ outputError: (text) => terminal.error(usage(oneLine(text))) })
  addSettings(root)
  for (const { term, description, load } of COMMANDS) {
    const [name, ...others] = namesOf(term)
    const [, ...takes] = term.split(' ')
    const command = root.command(name).description(description).aliases(others).usage(takes.join(' '))
    // No other command can run, or show its own help.
    if ([name, ...others].some((one) => args.includes(one))) (await load())(command, terminal)
  }
  addHelpCommand(root, terminal)
  return root.addHelpText('after', EXAMPLES)
}

function oneLine(text: string): string {
  const [, message = text] = /^(?:error: )?(.*?)\s*$/s.exec(text) ?? []
  return message.replace(/\s*\n\s*/g, ' ')
}
