#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Help } from 'commander'
import { COMMANDS, namesOf } from './commands.js'
import { EXIT, EXIT_HELP, exitCodeOf, usage } from './exit.js'
import { addSettings } from './settings.js'
import { Terminal } from './terminal.js'

// Before anything is parsed, since errors of parsing are JSON too.
const terminal = new Terminal({ json: process.argv.includes('--json'), utc: process.argv.includes('--utc') })

const HELP = `
Examples:
  dueque schedule --queue reminders --in 30m --declare --data '{"patient":"p-7"}'
  dueque consume reminders --limit 1 --json
  dueque status --watch
  dueque doctor
  dueque topology apply --queue reminders
  dueque parked redrive --all
  dueque dead redrive reminders --reason handler-error --rate 50/s
  dueque relay --redis redis://localhost
  dueque gate reminders --to reminders.due
  dueque metrics --port 9465
  dueque list --queue reminders
  dueque cancel appointment-42/24h --redis redis://localhost
  dueque postgres migrate --postgres postgres://localhost/app
  dueque plugin status
${EXIT_HELP}`

async function program(args: readonly string[]): Promise<Command> {
  const terms = new Map<Command, string>()
  const help = new Help()
  const root = new Command('dueque')
    .description('Delayed messages on RabbitMQ.')
    .version(version())
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => terms.get(command) ?? help.subcommandTerm(command),
    })
    .configureOutput({ outputError: (text) => terminal.error(usage(oneLine(text))) })
  addSettings(root)
  for (const { term, description, load } of COMMANDS) {
    const [name, ...others] = namesOf(term)
    const command = root.command(name).description(description).aliases(others)
    terms.set(command, term)
    // No other command can run, or show its own help.
    if ([name, ...others].some((one) => args.includes(one))) (await load())(command, terminal)
  }
  for (const command of root.commands.flatMap(withSubcommands)) command.addHelpText('after', EXIT_HELP)
  return root.addHelpText('after', HELP)
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands]
}

function oneLine(text: string): string {
  const [, message = text] = /^(?:error: )?(.*?)\s*$/s.exec(text) ?? []
  return message.replace(/\s*\n\s*/g, ' ')
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function failed(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  terminal.error(error)
  return exitCodeOf(error)
}

process.on('uncaughtException', (error) => {
  terminal.error(error)
  process.exit(EXIT.failed)
})

try {
  await (await program(process.argv.slice(2))).parseAsync()
} catch (error) {
  process.exitCode = failed(error)
}
