import type { Command } from 'commander'
import type { Terminal } from '../../terminal.js'
import { addList } from './list.js'
import { addPurge } from './purge.js'
import { addRedrive } from './redrive.js'
import { addShow } from './show.js'

const HELP = `
Messages are parked when they are due and their destination does not exist, or when they do not say which it is.

Examples:
  dueque parked list
  dueque parked show appointment-42/24h
  dueque parked redrive --all --declare
  dueque parked redrive --id appointment-42/24h --to queue:letters
  dueque parked purge --id appointment-42/24h --yes`

export function addParked(program: Command, terminal: Terminal): void {
  const parked = program
    .command('parked')
    .description('look at what had nowhere to go, send it on, or remove it')
    .addHelpText('after', HELP)
  addList(parked, terminal)
  addShow(parked, terminal)
  addRedrive(parked, terminal)
  addPurge(parked, terminal)
}
