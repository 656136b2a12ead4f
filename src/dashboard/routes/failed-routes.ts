import { texts } from '../../base/checks.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'
import { deadMessages, type DeadSummary } from '../../operate/failed/dead-messages.js'
import type { FailedFilter } from '../../operate/failed/failed-filter.js'
import type { FailedKind } from '../../operate/failed/failed-kind.js'
import { listDeadQueues, type LookAtQueue } from '../../operate/failed/list-dead-queues.js'
import { listFailed } from '../../operate/failed/list-failed.js'
import { lookAtFailed } from '../../operate/failed/look-at-failed.js'
import { parkedMessages, type ParkedSummary } from '../../operate/failed/parked-messages.js'
import { showFailed, type FailedDetails } from '../../operate/failed/show-failed.js'
import { operatorSettings, type OperatorOptions } from '../../operate/operator-settings.js'
import type { FailedChoice, FailedList, FailedMessage, FailedQueues, FailedRow } from '../api.js'
import { badRequest, notAllowed, notFound, Refused } from '../http/refused.js'
import type { Turns } from '../jobs/turns.js'
import { given, numberOf } from './parameters.js'
import type { Asked, Routes } from './route.js'

type Summary = DeadSummary | ParkedSummary

/** A choice that was checked. */
export interface Chosen {
  readonly kind: FailedKind<Summary>
  /** Of the messages. */
  readonly queue: string
  readonly filter: FailedFilter
}

export function failedRoutes(options: OperatorOptions, turns: Turns): Routes {
  const { names } = operatorSettings(options)
  const queueOf = ({ kind }: Pick<Chosen, 'kind'>) => kind.queueOf(names)
  return {
    failed: {
      answer: ({ query }) =>
        kindOf(query.get('kind')) === 'dead'
          ? deadQueues(options, turns)
          : turns.look(queueOf({ kind: parkedMessages }), () => parkedQueue(options)),
    },
    'failed/list': {
      answer({ query }) {
        const chosen = choiceOf(choiceIn(query), options)
        return turns.look(queueOf(chosen), () => listOf(chosen, query, options))
      },
    },
    'failed/message': {
      answer(asked) {
        const chosen = choiceOf(choiceIn(asked.query), options)
        return turns.look(queueOf(chosen), () => messageOf(chosen, asked, options))
      },
    },
  }
}

/** @throws Refused 400; DuequeError `INVALID_OPTION`, … */
export function choiceOf({ kind, queue, id, name, reason }: Partial<FailedChoice>, options: OperatorOptions): Chosen {
  const isText = [queue, name, reason].every((one) => one === undefined || typeof one === 'string')
  if (!isText || (id !== undefined && texts(id, 'id') !== undefined))
    throw badRequest('expected texts: queue, name, reason; and a list of texts: id')
  const { names } = operatorSettings(options)
  const filter = {
    id,
    name: name === undefined ? undefined : [name],
    reason: reason === undefined ? undefined : [reason],
  }
  if (kindOf(kind) === 'parked') return { kind: parkedMessages, queue: names.parked, filter }
  if (queue === undefined) throw badRequest('queue: expected the work queue of the dead messages')
  const dead = deadMessages(queue)
  return { kind: dead, queue: dead.queueOf(names), filter }
}

function choiceIn(query: URLSearchParams): Partial<FailedChoice> {
  const ids = query.getAll('id').filter((id) => id !== '')
  return {
    kind: kindOf(query.get('kind')),
    ...(given(query, 'queue') !== undefined && { queue: given(query, 'queue')! }),
    ...(ids.length > 0 && { id: ids }),
    ...(given(query, 'name') !== undefined && { name: given(query, 'name')! }),
    ...(given(query, 'reason') !== undefined && { reason: given(query, 'reason')! }),
  }
}

function kindOf(kind: unknown): FailedChoice['kind'] {
  if (kind === 'dead' || kind === 'parked') return kind
  throw badRequest('kind: expected dead or parked')
}

/** A queue that a job works on is shown without its reasons. */
async function deadQueues(options: OperatorOptions, turns: Turns): Promise<FailedQueues> {
  const onLook: LookAtQueue = (queue, look) =>
    turns.look(queue, look).catch((error: unknown) => {
      if (error instanceof Refused) return undefined
      throw error
    })
  const { queues } = await listDeadQueues({ ...options, onLook })
  return {
    queues: queues.map(({ queue, messages, head }) => ({
      queue,
      messages,
      oldest: head?.oldestAt?.toISOString() ?? null,
      reasons: reasonsOf(head?.reasons ?? new Map()),
    })),
  }
}

/** By its first messages. */
async function parkedQueue(options: OperatorOptions): Promise<FailedQueues> {
  const settings = operatorSettings(options)
  const queue = settings.names.parked
  const look = await withConnection(settings, (connection) => lookAtFailed(connection, parkedMessages, queue, 100))
  if (!look || look.count === 0) return { queues: [] }
  const { count: messages, oldestAt, reasons } = look
  return { queues: [{ queue, messages, oldest: oldestAt?.toISOString() ?? null, reasons: reasonsOf(reasons) }] }
}

async function listOf({ kind, filter }: Chosen, query: URLSearchParams, options: OperatorOptions): Promise<FailedList> {
  const [offset, limit] = [numberOf(query, 'offset') ?? 0, Math.min(numberOf(query, 'limit') ?? 100, 1000)]
  const { messages, count, reasons } = await listFailed(kind, { ...options, filter, offset, limit })
  return { messages: messages.map(rowOf), count, reasons: reasonsOf(reasons) }
}

async function messageOf(
  { kind, filter }: Chosen,
  { query, permissions }: Asked,
  options: OperatorOptions,
): Promise<FailedMessage> {
  const isWhole = query.get('body') === '1'
  if (isWhole && !permissions.has('payloads')) throw notAllowed('you may not see payloads')
  const [id] = filter.id ?? []
  if (id === undefined) throw badRequest('id: expected the id of a message')
  const found = await showFailed(kind, id, { ...options, full: true })
  if (!found) throw notFound('there is no such message in the queue any more')
  return failedMessage(found.summary, found.details, isWhole)
}

function failedMessage(summary: Summary, details: FailedDetails, hasBody: boolean): FailedMessage {
  const { exchange, routingKey, headers, encoding, body } = details
  return {
    ...rowOf(summary),
    stack: ('stack' in summary && summary.stack) || null,
    exchange,
    routingKey,
    headers,
    ...(hasBody && { body: { encoding, text: body } }),
  }
}

function rowOf(summary: Summary): FailedRow {
  const { id, name, destination, reason, error, dueAt, bytes } = summary
  const failedAt = 'parkedAt' in summary ? summary.parkedAt : summary.diedAt
  return {
    id: id ?? null,
    name: name ?? null,
    destination: destination ?? null,
    reason: reason ?? null,
    error: error ?? null,
    attempts: 'attempts' in summary ? summary.attempts : null,
    dueAt: dueAt?.toISOString() ?? null,
    failedAt: failedAt?.toISOString() ?? null,
    bytes,
  }
}

function reasonsOf(reasons: ReadonlyMap<string, number>): FailedList['reasons'] {
  return [...reasons].map(([reason, count]) => ({ reason, count }))
}
