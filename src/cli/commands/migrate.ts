import type { Command } from 'commander'
import type { Terminal } from '../terminal.js'
import { addCopy } from './migrate/copy.js'
import { addIntake } from './migrate/intake.js'
import { addStatus } from './migrate/status.js'
import { addSwitch } from './migrate/switch.js'

const HELP = `
Away from RabbitMQ's delayed-message plugin, which cannot run on RabbitMQ 4.3, while producers go on writing x-delay. The
procedure, step by step: docs/leaving-the-plugin.md.

Examples:
  dueque migrate copy reminders                     # its bindings, on reminders.due
  dueque migrate intake reminders.new --to reminders.due
  dueque migrate status && rabbitmq-plugins disable rabbitmq_delayed_message_exchange
  dueque migrate switch reminders                   # an empty exchange of the plugin becomes an intake's entry`

export function addMigrate(program: Command, terminal: Terminal): void {
  const group = program
    .command('migrate')
    .description('leave the delayed-message plugin of RabbitMQ')
    .addHelpText('after', HELP)
  for (const add of [addStatus, addCopy, addIntake, addSwitch]) add(group, terminal)
}
