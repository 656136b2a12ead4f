import { checkDestination, isReserved, parseDestination, type Destination } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { decodeEnvelope, sentOn, type Arrived } from '../../message/envelope.js'
import { HEADER, type Headers } from '../../message/headers.js'
import { DuequeError } from '../../base/errors.js'

/** Where parked messages are to go instead of where they belong. An exchange without a key gets their own. */
export type OtherDestination = Destination

/**
 * A parked message as it goes on: the same id, revision, attempt and due time. docs/wire-format.md, "Unroutable and
 * parked messages".
 *
 * @param now milliseconds since the epoch
 * @throws DuequeError `DESTINATION_MISSING` if it does not say where it belongs, `RESERVED_NAME`
 */
export function parkedSentOn(stored: Arrived, to: OtherDestination | undefined, now: number): DelayedMessage {
  const { routingKey } = stored
  const own = to ?? parseDestination(stored.headers, routingKey)
  if (!own) throw new DuequeError('DESTINATION_MISSING', 'it does not say where it belongs', { destination: '' })
  const message = sentOn(stored, decodeEnvelope(stored), withKey(own, routingKey), now)
  return { ...message, headers: withoutParking(message.headers) }
}

function withoutParking(headers: Headers): Headers {
  const names: readonly string[] = [HEADER.rescues, HEADER.parkedAt, HEADER.parkedReason, HEADER.parkedError]
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
}

/**
 * A destination to send to, with the key that the message has unless it brings one.
 *
 * @throws DuequeError `RESERVED_NAME`
 */
export function withKey(to: OtherDestination, routingKey: string): Destination {
  if (to.queue !== undefined) return isReserved(to.queue) ? checkDestination(to) : to
  return checkDestination({ exchange: to.exchange, routingKey: to.routingKey ?? routingKey })
}
