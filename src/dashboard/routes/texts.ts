import { destinationText, type Destination } from '../../message/destination.js'
import { textOfBody } from '../../operate/failed/show-failed.js'
import type { Payload } from '../api.js'

/** `queue:reminders` or `exchange:clinic/late`, as a search takes it. */
export function destinationLabel(destination: Destination): string {
  const { routingKey } = destination
  return destinationText(destination) + (routingKey ? `/${routingKey}` : '')
}

/** A body as text, if it is UTF-8. */
export function payloadText(bytes: Uint8Array): Payload {
  const { encoding, body } = textOfBody(bytes, false)
  return { encoding, text: body }
}
