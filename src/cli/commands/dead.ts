import type { Command } from 'commander'
import { KNOWN_REASONS } from '../../operate/failed/dead-letters.js'
import { deadMessages, type DeadSummary } from '../../operate/failed/dead-messages.js'
import type { FailedGroup } from '../failed/group.js'
import { listQueuesOf } from '../failed/dead-queues.js'
import type { Column, Shown } from '../table.js'
import type { Terminal } from '../terminal.js'
import { addList } from './failed/list.js'
import { addPurge } from './failed/purge.js'
import { addRedrive } from './failed/redrive.js'
import { addShow } from './failed/show.js'

const HELP = `
QUEUE is the work queue: messages that its consumers gave up are in QUEUE.dead, for the reason handler-error, handler-timeout,
dead-lettered, invalid-payload, unknown-message, unknown-version, expired, invalid-due, unreadable-batch or delivery-limit
(delivered too often and never settled). Messages that the broker moved there say delivery-limit or rejected. redrive sends them
back to QUEUE with all attempts of a retry policy before them: as the next attempt, or, from the broker, as the same one, which
is not handled again where it was handled meanwhile; expired ones stay.

list without QUEUE shows the dead queues of the namespace that have messages, as the management API lists them.

Examples:
  dueque dead list
  dueque dead list reminders
  dueque dead list reminders --reason handler-error --after 2026-11-23T09:00:00+01:00
  dueque dead show reminders appointment-42/24h
  dueque dead redrive reminders --reason handler-error --rate 50/s
  dueque dead purge reminders --reason expired --yes`

export function addDead(group: Command, terminal: Terminal): void {
  group.addHelpText('after', HELP)
  for (const add of [addList, addShow, addRedrive, addPurge]) add(group, DEAD, terminal)
}

/** The characters of an error that fit into a table. */
const ERROR_CHARACTERS = 60

const ID: readonly Column<DeadSummary>[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
]
const TIMES: readonly Column<DeadSummary>[] = [
  ['first failed', ({ firstFailedAt }) => firstFailedAt],
  ['last failed', ({ lastFailedAt }) => lastFailedAt],
  ['died', ({ diedAt }) => diedAt],
]
const WHY: readonly Column<DeadSummary>[] = [
  ['reason', ({ reason }) => reason],
  ['attempts', ({ attempts }) => attempts],
]

const DEAD: FailedGroup<DeadSummary> = {
  word: 'dead',
  argument: ['<queue>', 'the work queue'],
  listQueues: listQueuesOf,
  failed: 'died',
  reasons: KNOWN_REASONS,
  isSelfAddressed: false,
  kindOf: ([queue]) => deadMessages(queue!),
  missing: ([queue]) => `${queue!} has had no consumer in this vhost yet, or is no work queue (--url)`,
  columns: [...ID, ...WHY, ...TIMES, ['error', ({ error }) => cut(error)]],
  rows: [
    ...ID,
    ...WHY,
    ['error', ({ error }) => error],
    ...TIMES,
    ['destination', ({ destination }) => destination],
    ['due', ({ dueAt }) => dueAt],
    ['expires', ({ expiresAt }) => expiresAt],
  ],
}

function cut(error: Shown): Shown {
  if (typeof error !== 'string' || error.length <= ERROR_CHARACTERS) return error
  return `${error.slice(0, ERROR_CHARACTERS - 1)}…`
}
