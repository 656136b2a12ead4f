import type { Command } from 'commander'
import { parkedSentOn } from '../../amqp/parked.js'
import { HEADER, integer } from '../../envelope.js'
import type { Kind, Store } from '../stored/store.js'
import { instantText, summaryOf, type Column } from '../stored/text.js'
import type { Terminal } from '../terminal.js'
import { addList } from './stored/list.js'
import { addPurge } from './stored/purge.js'
import { addRedrive } from './stored/redrive.js'
import { addShow } from './stored/show.js'

const HELP = `
Messages are parked when they are due and their destination does not exist, or when they do not say which it is. PARKED is
empty for what was parked by a version of dueque that did not write it down.

Examples:
  dueque parked list
  dueque parked show appointment-42/24h
  dueque parked redrive --all --declare
  dueque parked redrive --id appointment-42/24h --to queue:letters
  dueque parked purge --id appointment-42/24h --yes`

export function addParked(program: Command, terminal: Terminal): void {
  const group = program
    .command('parked')
    .description('look at what had nowhere to go, send it on, or remove it')
    .addHelpText('after', HELP)
  const kind: Kind = { word: 'parked', came: 'was parked', hasReasons: false, storeOf: () => parked }
  for (const add of [addList, addShow, addRedrive, addPurge]) add(group, kind, terminal)
}

const FACTS: readonly Column[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['destination', ({ destination }) => destination],
  ['due', ({ dueAt }) => dueAt],
  ['parked', ({ parkedAt }) => parkedAt],
]

const atOf: Store['atOf'] = ({ headers }) => integer(headers[HEADER.parkedAt])

const parked: Store = {
  word: 'parked',
  queueOf: (names) => names.parked,
  missing: 'nothing was declared in this namespace and vhost (--namespace, --url)',
  summaryOf: (stored) => ({ ...summaryOf(stored), parkedAt: instantText(atOf(stored)) }),
  columns: [...FACTS, ['bytes', ({ bytes }) => bytes]],
  rows: FACTS,
  atOf,
  isExpired: () => false,
  sentOn: parkedSentOn,
}
