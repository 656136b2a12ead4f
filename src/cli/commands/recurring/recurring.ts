import type { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { addApply } from './apply.js'
import { addBackfill } from './backfill.js'
import { addChanges } from './changes.js'
import { addList } from './list.js'
import { addSet } from './set.js'
import { addShow } from './show.js'
import { addTrigger } from './trigger.js'

const HELP = `
Schedules are kept in RabbitMQ, or in a store: --redis, --postgres. They run as long as a ticker runs: in a process that
consumes with dueque, or \`dueque ticker\`.

Examples:
  dueque recurring set report --cron '0 9 * * *' --queue reports --data '{}'
  dueque recurring list --id-prefix customer/
  dueque recurring apply schedules.yaml --prune --dry-run`

export function addRecurring(group: Command, terminal: Terminal): void {
  group.addHelpText('after', HELP)
  for (const add of [addSet, addList, addShow, addChanges, addTrigger, addBackfill, addApply]) add(group, terminal)
}
