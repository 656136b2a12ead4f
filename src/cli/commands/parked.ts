import type { Command } from 'commander'
import { parkedSentOn } from '../../operate/failed/parked-messages.js'
import { HEADER, readInteger, readText } from '../../message/headers.js'
import type { Kind, Store } from '../stored/store.js'
import { instantText, summaryOf, type Column } from '../stored/text.js'
import type { Terminal } from '../terminal.js'
import { addList } from './stored/list.js'
import { addPurge } from './stored/purge.js'
import { addRedrive } from './stored/redrive.js'
import { addShow } from './stored/show.js'

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

export function addParked(program: Command, terminal: Terminal): void {
  const group = program
    .command('parked')
    .description('look at what had nowhere to go, send it on, or remove it')
    .addHelpText('after', HELP)
  const kind: Kind = { word: 'parked', came: 'was parked', hasReasons: false, isByMessage: true, storeOf: () => parked }
  for (const add of [addList, addShow, addRedrive, addPurge]) add(group, kind, terminal)
}

const FACTS: readonly Column[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['destination', ({ destination }) => destination],
  ['due', ({ dueAt }) => dueAt],
  ['parked', ({ parkedAt }) => parkedAt],
  ['reason', ({ reason }) => reason],
]

const ROWS: readonly Column[] = [...FACTS, ['error', ({ error }) => error]]

const atOf: Store['atOf'] = ({ headers }) => readInteger(headers[HEADER.parkedAt])

const parked: Store = {
  word: 'parked',
  queueOf: (names) => names.parked,
  missing: 'nothing was declared in this namespace and vhost (--namespace, --url)',
  summaryOf: (stored) => ({
    ...summaryOf(stored),
    parkedAt: instantText(atOf(stored)),
    reason: readText(stored.headers[HEADER.parkedReason]),
    error: readText(stored.headers[HEADER.parkedError]),
  }),
  columns: [...FACTS, ['bytes', ({ bytes }) => bytes]],
  rows: ROWS,
  atOf,
  isExpired: () => false,
  sentOn: parkedSentOn,
}
