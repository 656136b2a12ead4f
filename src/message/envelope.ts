import { routingKeyOf, type DelayedMessage } from './delayed-message.js'
import { destinationText, isReserved, type Destination } from './destination.js'
import {
  HEADER,
  passedOn,
  readInstant,
  readInteger,
  readText,
  userHeaders,
  type Headers,
  type HeaderValue,
} from './headers.js'

/**
 * The AMQP properties of a foreign producer that go out again. The others are dueque's to set, or must not be set:
 * `expiration` would shorten the wait, `userId` is not ours, and amqplib makes headers of `CC` and `BCC`.
 */
const KEPT_PROPERTIES = ['contentEncoding', 'replyTo', 'appId', 'clusterId'] as const

/**
 * The AMQP properties and headers of a message.
 *
 * @param headers what the headers are added to
 */
export function encodeEnvelope(
  message: DelayedMessage,
  headers: Record<string, HeaderValue | undefined> = { ...message.headers },
) {
  headers[HEADER.due] = message.dueAt
  headers[HEADER.revision] = message.revision
  // 1 is what a reader takes without: docs/decisions/026.
  if (message.attempt !== 1) headers[HEADER.attempt] = message.attempt
  headers[HEADER.to] = destinationText(message.destination)
  if (message.version !== 1) headers[HEADER.version] = message.version
  if (message.expiresAt !== undefined) headers[HEADER.expires] = message.expiresAt
  if (message.dedupeKey !== undefined) headers[HEADER.dedupe] = message.dedupeKey
  if (message.rescues !== undefined) headers[HEADER.rescues] = message.rescues
  if (message.retryAt !== undefined) headers[HEADER.retryAt] = message.retryAt
  if (message.firstFailedAt !== undefined) headers[HEADER.firstFailed] = message.firstFailedAt
  if (message.lastFailedAt !== undefined) headers[HEADER.lastFailed] = message.lastFailedAt
  const properties = {
    headers,
    messageId: message.id,
    // A foreign message may have none, and is sent on without.
    type: message.name || undefined,
    contentType: message.properties ? (message.properties['contentType'] as string | undefined) : 'application/json',
    timestamp: Math.floor(message.scheduledAt / 1000),
    deliveryMode: 2,
    priority: message.priority,
    correlationId: message.correlationId,
  }
  return message.properties ? { ...keptProperties(message.properties), ...properties } : properties
}

/** A store may return others than those of an arrival. */
function keptProperties(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = KEPT_PROPERTIES.filter((name) => properties[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, properties[name]]))
}

/** What arrived at a consumer, from dueque or from any other producer. */
export interface Arrived {
  readonly body: Uint8Array
  readonly properties: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
  readonly exchange: string
  readonly routingKey: string
  readonly redelivered: boolean
}

/** A message as it arrives by itself at a consumer of its queue. */
export function arrivedOf(message: DelayedMessage, exchange: string): Arrived {
  const { headers, ...properties } = encodeEnvelope(message)
  return { body: message.body, properties, headers, exchange, routingKey: routingKeyOf(message), redelivered: false }
}

/** dueque's reading of an arrival. A field that is missing or malformed is `undefined`, or what a foreign producer meant. */
export interface Envelope {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly version: number
  readonly dueAt: number | undefined
  readonly revision: number | undefined
  readonly attempt: number
  /** How many of the attempts were before it was last taken out of a dead queue: no retry policy counts them. */
  readonly priorAttempts: number
  readonly retryAt: number | undefined
  readonly firstFailedAt: number | undefined
  readonly expiresAt: number | undefined
  readonly dedupeKey: string | undefined
  readonly rescues: number
  /** The producer's headers, without dueque's and the broker's. */
  readonly headers: Headers
}

export function decodeEnvelope({ properties, headers }: Arrived): Envelope {
  const attempt = readInteger(headers[HEADER.attempt]) || 1
  const priorAttempts = readInteger(headers[HEADER.priorAttempts]) ?? 0
  return {
    id: readText(properties['messageId']),
    name: readText(properties['type']),
    version: readInteger(headers[HEADER.version]) || 1,
    dueAt: readInstant(headers[HEADER.due]),
    revision: readInteger(headers[HEADER.revision]),
    attempt,
    // A forged one would have it tried for ever.
    priorAttempts: priorAttempts < attempt ? priorAttempts : 0,
    retryAt: readInstant(headers[HEADER.retryAt]),
    firstFailedAt: readInstant(headers[HEADER.firstFailed]),
    expiresAt: readInteger(headers[HEADER.expires]),
    dedupeKey: readText(headers[HEADER.dedupe]),
    rescues: readInteger(headers[HEADER.rescues]) ?? 0,
    headers: userHeaders(headers),
  }
}

/** An arrival as a message to be sent on: same id, revision, attempt, due time and routing key. */
export function sentOn(arrived: Arrived, envelope: Envelope, destination: Destination, now: number): DelayedMessage {
  const { priority, correlationId, timestamp } = arrived.properties
  const { expiration: _, userId: __, ...properties } = arrived.properties
  return {
    id: envelope.id ?? crypto.randomUUID(),
    name: envelope.name ?? '',
    version: envelope.version,
    body: arrived.body,
    destination,
    dueAt: envelope.dueAt ?? now,
    scheduledAt: typeof timestamp === 'number' ? timestamp * 1000 : now,
    expiresAt: envelope.expiresAt,
    revision: envelope.revision ?? now * 1000,
    attempt: envelope.attempt,
    retryAt: envelope.retryAt,
    // One that is a key of ours would lead it astray.
    routingKey: destination.queue === undefined || isReserved(arrived.routingKey) ? undefined : arrived.routingKey,
    // Also those of dueque that this version does not know.
    headers: passedOn(arrived.headers) as Headers,
    priority: typeof priority === 'number' ? priority : undefined,
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
    dedupeKey: envelope.dedupeKey,
    properties,
  }
}
