#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addConsume } from './commands/consume.js'
import { addDead } from './commands/dead.js'
import { addDoctor } from './commands/doctor.js'
import { addGate } from './commands/gate.js'
import { addParked } from './commands/parked.js'
import { addPlugin } from './commands/plugin/plugin.js'
import { addPostgres } from './commands/postgres.js'
import { addRelay } from './commands/relay.js'
import { addSchedule } from './commands/schedule.js'
import { addStatus } from './commands/status.js'
import { addTopology } from './commands/topology.js'
import { addWaiting } from './commands/waiting/waiting.js'
import { EXIT, EXIT_HELP, exitCodeOf, usage } from './exit.js'
import { addSettings } from './settings.js'
import { Terminal } from './terminal.js'

// Before anything is parsed, since errors of parsing must be JSON too.
const terminal = new Terminal({ json: process.argv.includes('--json') })

const HELP = `
Examples:
  dueque schedule --queue reminders --in 30m --declare --data '{"patient":"p-7"}'
  dueque consume reminders --limit 1 --json
  dueque status
  dueque doctor
  dueque topology apply --queue reminders
  dueque parked redrive --all
  dueque dead redrive reminders --reason handler-error --rate 50/s
  dueque relay --redis redis://localhost
  dueque gate reminders --to reminders.due
  dueque cancel appointment-42/24h --redis redis://localhost
  dueque postgres migrate --postgres postgres://localhost/app
  dueque plugin status
${EXIT_HELP}`

function program(): Command {
  const root = new Command('dueque')
    .description('Delayed messages on RabbitMQ.')
    .version(version())
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text) => terminal.error(usage(oneLine(text))) })
  addSettings(root)
  addSchedule(root, terminal)
  addConsume(root, terminal)
  addStatus(root, terminal)
  addDoctor(root, terminal)
  addTopology(root, terminal)
  addParked(root, terminal)
  addDead(root, terminal)
  addRelay(root, terminal)
  addGate(root, terminal)
  addWaiting(root, terminal)
  addPostgres(root, terminal)
  addPlugin(root, terminal)
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
  await program().parseAsync()
} catch (error) {
  process.exitCode = failed(error)
}
