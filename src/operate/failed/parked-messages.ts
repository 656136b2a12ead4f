import {
  checkDestination,
  destinationText,
  isReserved,
  parseDestination,
  type Destination,
} from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { decodeEnvelope, sentOn, type Arrived } from '../../message/envelope.js'
import { HEADER, readInteger, readText, type Headers } from '../../message/headers.js'
import { DuequeError, invalidOption } from '../../base/errors.js'
import { basicSummaryOf, instantOf, type FailedKind, type FailedSummary } from './failed-kind.js'
import type { TakenMessage } from './failed-queue.js'

export interface ParkedSummary extends FailedSummary {
  parkedAt: Date | undefined
  reason: string | undefined
  error: string | undefined
}

/** The messages that had nowhere to go when they were due. */
export const parkedMessages: FailedKind<ParkedSummary> = {
  name: 'parked',
  isSelfAddressed: true,
  queueOf: (names) => names.parked,
  summaryOf: (message) => ({
    ...basicSummaryOf(message),
    parkedAt: instantOf(parkedAt(message)),
    reason: reasonOf(message),
    error: readText(message.headers[HEADER.parkedError]),
  }),
  failedAt: parkedAt,
  reasonOf,
  isExpired: () => false,
  sentOn: parkedSentOn,
}

function parkedAt({ headers }: TakenMessage): number | undefined {
  return readInteger(headers[HEADER.parkedAt])
}

function reasonOf({ headers }: TakenMessage): string | undefined {
  return readText(headers[HEADER.parkedReason])
}

/**
 * A parked message as it is sent on: the same id, revision, attempt and due time: docs/reference/wire-format/unroutable.md.
 *
 * @param to instead of where it belongs. An exchange without a routing key gets that of the message
 * @param now milliseconds since the epoch
 * @throws DuequeError `DESTINATION_MISSING` if it does not say where it belongs, `RESERVED_NAME`, `INVALID_OPTION` for a batch to
 * another destination
 */
export function parkedSentOn(stored: Arrived, to: Destination | undefined, now: number): DelayedMessage {
  const { routingKey } = stored
  const own = parseDestination(stored.headers, routingKey)
  const destination = destinationFor(stored, own, to)
  if (!destination)
    throw new DuequeError('DESTINATION_MISSING', 'it does not say where it belongs', { destination: '' })
  const message = sentOn(stored, decodeEnvelope(stored), withKey(destination, routingKey), now)
  return { ...message, headers: withoutParking(message.headers) }
}

function withoutParking(headers: Headers): Headers {
  const names: readonly string[] = [HEADER.rescues, HEADER.parkedAt, HEADER.parkedReason, HEADER.parkedError]
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
}

/**
 * Where a message is sent: to its own destination, or where the operator wants it. A batch names the queue of its items, and
 * consumers of any other queue would give it up.
 *
 * @throws DuequeError `INVALID_OPTION` for a batch to another destination
 */
export function destinationFor<Own extends Destination | undefined>(
  { headers }: Pick<Arrived, 'headers'>,
  own: Own,
  to: Destination | undefined,
): Own | Destination {
  if (to && own && headers[HEADER.items] !== undefined && to.queue !== own.queue)
    throw invalidOption('to', `no other destination than ${destinationText(own)} for a batch`, destinationText(to))
  return to ?? own
}

/**
 * A destination to send to, with the key that the message has unless it brings one.
 *
 * @throws DuequeError `RESERVED_NAME`
 */
export function withKey(to: Destination, routingKey: string): Destination {
  if (to.queue !== undefined) return isReserved(to.queue) ? checkDestination(to) : to
  return checkDestination({ exchange: to.exchange, routingKey: to.routingKey ?? routingKey })
}
