import type { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { addCancel } from './cancel.js'
import { addCount } from './count.js'
import { addList } from './list.js'
import { addReschedule } from './reschedule.js'
import { addShow } from './show.js'

/** What can be done with messages that wait in a store. */
export function addWaiting(program: Command, terminal: Terminal): void {
  for (const add of [addList, addShow, addCancel, addReschedule, addCount]) add(program, terminal)
}
