import type { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { addCopy } from './copy.js'
import { addIntake } from './intake.js'
import { addStatus } from './status.js'
import { addSwitch } from './switch.js'

const HELP = `
Away from RabbitMQ's delayed-message plugin, which cannot run on RabbitMQ 4.3, while producers go on writing x-delay. The
procedure, step by step: docs/recipes/leaving-the-plugin.md.

Examples:
  dueque plugin copy reminders                     # its bindings, on reminders.due
  dueque plugin intake reminders.new --to reminders.due
  dueque plugin status && rabbitmq-plugins disable rabbitmq_delayed_message_exchange
  dueque plugin switch reminders                   # it becomes an intake's entry

migrate is the old name of these commands, and still works.`

export function addPlugin(group: Command, terminal: Terminal): void {
  group.addHelpText('after', HELP)
  for (const add of [addStatus, addCopy, addIntake, addSwitch]) add(group, terminal)
}
