import { DuequeError, isDuequeError } from '../../base/errors.js'
import { batchQueue } from '../../message/batch.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { destinationText } from '../../message/destination.js'
import { HEADER } from '../../message/headers.js'
import { nextRevision } from '../revision.js'

/** What `type` says of a batch. */
const NAME = 'dueque.batch'
const PROPERTIES = { contentType: 'application/octet-stream' }

/**
 * The message that a batch is on the wire, from `dueque-items` to its body. It is due with the first of its items.
 *
 * @param items of one queue and one priority, one or more
 * @param body those items, encoded
 */
export function batchMessage(items: readonly DelayedMessage[], body: Uint8Array, now: number): DelayedMessage {
  const { destination, priority } = items[0]!
  return {
    id: crypto.randomUUID(),
    name: NAME,
    version: 1,
    body,
    destination: { queue: batchQueue(destination.queue!) },
    dueAt: Math.min(...items.map(({ dueAt }) => dueAt)),
    scheduledAt: now,
    expiresAt: undefined,
    revision: nextRevision(now),
    attempt: 1,
    headers: { [HEADER.items]: items.length },
    priority,
    correlationId: undefined,
    dedupeKey: undefined,
    properties: PROPERTIES,
  }
}

/** The error of a batch, as the caller of an item can use it: a queue of batches is not declared by producers. */
export function itemError(error: unknown, queue: string): unknown {
  const batches = batchQueue(queue)
  const to = destinationText({ queue: batches })
  if (!isDuequeError(error, 'DESTINATION_MISSING') || error.data.destination !== to) return error
  const remedy = `consume "${queue}" with { batches: true } first, or run \`dueque topology apply --batches ${queue}\``
  const message = `${to}, which takes the batches of messages to "${queue}", does not exist: ${remedy}`
  return new DuequeError('DESTINATION_MISSING', message, { destination: to }, { cause: error, outcome: error.outcome })
}

/**
 * Whether RabbitMQ, the strategy or the journal has refused a batch for its content. One of its items may be the cause: each is
 * then sent by itself. An error of the journal about a batch that waits is none of these.
 */
export function isRefusedForContent(error: unknown): boolean {
  if (isDuequeError(error, 'MESSAGE_REFUSED')) return true
  const { code, outcome } = Object(error) as Partial<DuequeError>
  return outcome === 'refused' && (code === 'BODY_TOO_LARGE' || code === 'NOT_ENCODABLE' || code === 'RESERVED_NAME')
}
