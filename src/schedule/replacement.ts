import { invalidOption } from '../base/errors.js'
import { encodePayload } from '../message/definition.js'
import { destinationText, isReserved, type Destination } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { HEADER, type Headers } from '../message/headers.js'
import { checkContent, rescheduled, type RescheduleContent } from './reschedule-content.js'
import { assertNotAborted, resolveSchedule } from './schedule-options.js'

/** Only for the checks: a message that waits in a store keeps its destination. */
const ANYWHERE: Destination = { queue: 'anywhere' }

/**
 * What takes the place of a waiting message. Everything but its destination, its revision and its attempts is that of
 * `content`.
 *
 * @throws DuequeError for whatever `schedule` would refuse
 */
export async function replacement<In>(
  content: RescheduleContent<In>,
  dueAt: number,
  now: number,
  maxDelayMs: number,
): Promise<(message: DelayedMessage) => DelayedMessage> {
  checkContent(content as never)
  const { message: definition, payload, options = {} } = content
  const due = { at: { epochMilliseconds: dueAt } }
  const schedule = rescheduled(content, { id: 'any' }, due, ANYWHERE)
  const { destination, headers, priority, correlationId, dedupeKey, expiresAt } = resolveSchedule(
    schedule.options,
    now,
    maxDelayMs,
  )
  assertNotAborted(options.signal)
  const { name, version } = definition
  const body = await encodePayload(definition, payload)
  const sent = { name, version, body, priority, correlationId, dedupeKey, expiresAt, dueAt, retryAt: undefined }
  return (message) => {
    if (options.to !== undefined) assertSame(message.destination, destination)
    // Those of a foreign producer described its body.
    const { properties: _, ...kept } = message
    return { ...kept, ...sent, headers: { ...ownHeaders(message.headers), ...headers } }
  }
}

/** With another due time. Its expiry keeps its distance. */
export function withDue(message: DelayedMessage, dueAt: number): DelayedMessage {
  const { expiresAt } = message
  const shifted = expiresAt === undefined ? undefined : Math.max(expiresAt + dueAt - message.dueAt, dueAt)
  // A message that was put back has the time of its retry twice.
  const { [HEADER.retryAt]: _, ...headers } = message.headers
  return { ...message, headers, dueAt, retryAt: undefined, expiresAt: shifted }
}

/** Headers of ours, which a message has that waits for a retry. */
export function ownHeaders(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isReserved(name)))
}

function assertSame(current: Destination, to: Destination): void {
  const fields: (keyof Destination)[] = ['queue', 'outlet', 'exchange', 'routingKey']
  if (fields.every((field) => (current[field] || undefined) === (to[field] || undefined))) return
  const expected = `${destinationText(current)}, where the message waits to go: cancel it and schedule another one instead`
  throw invalidOption('content.options.to', expected, destinationText(to))
}
