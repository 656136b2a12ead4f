import type { Command } from 'commander'
import { parkedMessages, type ParkedSummary } from '../../operate/failed/parked-messages.js'
import type { FailedGroup } from '../failed/group.js'
import type { Column } from '../table.js'
import type { Terminal } from '../terminal.js'
import { addList } from './failed/list.js'
import { addPurge } from './failed/purge.js'
import { addRedrive } from './failed/redrive.js'
import { addShow } from './failed/show.js'

const HELP = `
Messages are parked when they are due and their destination does not exist or is not bound, or when they do not say which it
is. PARKED and REASON are empty for messages that a version of dueque parked that did not write them down. A message may
name any destination: redrive sends messages where their namespace reaches already, and elsewhere with --bind only.

Examples:
  dueque parked list
  dueque parked show appointment-42/24h
  dueque parked redrive --all
  dueque parked redrive --all --bind queue:reminders --declare
  dueque parked redrive --id appointment-42/24h --to queue:letters
  dueque parked purge --id appointment-42/24h --yes`

export function addParked(group: Command, terminal: Terminal): void {
  group.addHelpText('after', HELP)
  for (const add of [addList, addShow, addRedrive, addPurge]) add(group, PARKED, terminal)
}

const FACTS: readonly Column<ParkedSummary>[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['destination', ({ destination }) => destination],
  ['due', ({ dueAt }) => dueAt],
  ['parked', ({ parkedAt }) => parkedAt],
  ['reason', ({ reason }) => reason],
]

const ROWS: readonly Column<ParkedSummary>[] = [...FACTS, ['error', ({ error }) => error]]

const PARKED: FailedGroup<ParkedSummary> = {
  word: 'parked',
  failed: 'were parked',
  isSelfAddressed: true,
  kindOf: () => parkedMessages,
  missing: () => 'nothing was declared in this namespace and vhost (--namespace, --url)',
  columns: [...FACTS, ['bytes', ({ bytes }) => bytes]],
  rows: ROWS,
}
