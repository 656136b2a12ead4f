import type { Command } from 'commander'
import { deadLetterOf, deadSentOn, type DeadLetter } from '../../operate/failed/dead-letters.js'
import { deadQueue } from '../../amqp/topology/names.js'
import { checkQueueName } from '../../message/destination.js'
import type { Kind, Store } from '../stored/store.js'
import { instantText, summaryOf, type Column } from '../stored/text.js'
import type { Terminal } from '../terminal.js'
import { addList } from './stored/list.js'
import { addPurge } from './stored/purge.js'
import { addRedrive } from './stored/redrive.js'
import { addShow } from './stored/show.js'

const HELP = `
QUEUE is the work queue: what its consumers gave up is in QUEUE.dead, for the reason handler-error, handler-timeout,
dead-lettered, invalid-payload, unknown-message, unknown-version, expired, invalid-due or delivery-limit (delivered too often
and never settled). What the broker moved there says delivery-limit or rejected. redrive sends them back to QUEUE with all
attempts of a retry policy before them: as the next attempt, or, from the broker, as the same one, which is not handled
again where it was handled meanwhile; expired ones stay.

Examples:
  dueque dead list reminders
  dueque dead list reminders --reason handler-error --after 2026-11-23T09:00:00+01:00
  dueque dead show reminders appointment-42/24h
  dueque dead redrive reminders --reason handler-error --rate 50/s
  dueque dead purge reminders --reason expired --yes`

export function addDead(program: Command, terminal: Terminal): void {
  const group = program
    .command('dead')
    .description('look at what consumers gave up, send it back to them, or remove it')
    .addHelpText('after', HELP)
  const kind: Kind = {
    word: 'dead',
    argument: ['<queue>', 'the work queue'],
    came: 'died',
    hasReasons: true,
    isByMessage: false,
    storeOf: ([queue]) => deadOf(checkQueueName('queue', queue)),
  }
  for (const add of [addList, addShow, addRedrive, addPurge]) add(group, kind, terminal)
}

/** So much of an error fits into a table. */
const ERROR_CHARACTERS = 60

const ID: readonly Column[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
]
const TIMES: readonly Column[] = [
  ['first failed', ({ firstFailedAt }) => firstFailedAt],
  ['last failed', ({ lastFailedAt }) => lastFailedAt],
  ['died', ({ diedAt }) => diedAt],
]
const WHY: readonly Column[] = [
  ['reason', ({ reason }) => reason],
  ['attempts', ({ attempts }) => attempts],
]

function deadOf(queue: string): Store {
  const read = (stored: Parameters<Store['summaryOf']>[0]) => deadLetterOf(stored, queue)
  return {
    word: 'dead',
    queueOf: () => deadQueue(queue),
    missing: `${queue} has had no consumer in this vhost yet, or is no work queue (--url)`,
    summaryOf: (stored) => ({ ...summaryOf(stored), ...inTexts(read(stored)) }),
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
    atOf: (stored) => read(stored).diedAt,
    reasonOf: (stored) => read(stored).reason,
    isExpired: (stored, now) => (read(stored).expiresAt ?? Infinity) <= now,
    sentOn: (stored, to, now) => deadSentOn(stored, queue, to, now),
  }
}

function inTexts({ firstFailedAt, lastFailedAt, diedAt, expiresAt, ...rest }: DeadLetter) {
  return {
    ...rest,
    firstFailedAt: instantText(firstFailedAt),
    lastFailedAt: instantText(lastFailedAt),
    diedAt: instantText(diedAt),
    expiresAt: instantText(expiresAt),
  }
}

function cut(error: string | number | undefined) {
  if (typeof error !== 'string' || error.length <= ERROR_CHARACTERS) return error
  return `${error.slice(0, ERROR_CHARACTERS - 1)}…`
}
