import type { Destination } from './destination.js'
import { destinationText, isReserved } from './destination.js'
import { DuequeError, invalidOption } from '../base/errors.js'

/** A header's value, as far as AMQP and JSON agree. */
export type HeaderValue =
  string | number | boolean | null | readonly HeaderValue[] | { readonly [key: string]: HeaderValue }
export type Headers = Readonly<Record<string, HeaderValue>>

/** A message on its way: everything that travels, in plain values. The wire format is docs/wire-format.md. */
export interface DelayedMessage {
  readonly id: string
  readonly name: string
  /** Of the schema. */
  readonly version: number
  readonly body: Uint8Array
  readonly destination: Destination
  /** Milliseconds since the epoch, as are the next three. */
  readonly dueAt: number
  readonly scheduledAt: number
  /** Useless from here on: goes to the dead queue instead of the handler. */
  readonly expiresAt: number | undefined
  /** Milliseconds of scheduling × 1000 and a random part: of two revisions of an id, the later is the greater. */
  readonly revision: number
  /** Counts deliveries to a handler, from 1. */
  readonly attempt: number
  /** Not to be handled again before this instant, in milliseconds since the epoch, as are the next two. */
  readonly retryAt?: number | undefined
  /** When a handler first and last failed with it. */
  readonly firstFailedAt?: number | undefined
  readonly lastFailedAt?: number | undefined
  /** What a consumer sees, if it is not the destination's: kept when an arrival is sent on. */
  readonly routingKey?: string | undefined
  readonly headers: Headers
  readonly priority: number | undefined
  readonly correlationId: string | undefined
  readonly dedupeKey: string | undefined
  /** How often it was sent again because an exchange had no route for it. @default 0 */
  readonly rescues?: number
  /**
   * Routing keys beside its own, for the destination's exchange. They travel hidden from consumers. Keys that dueque keeps
   * for itself are left out.
   */
  readonly furtherKeys?: readonly string[]
  /** Further AMQP properties of a message that a foreign producer sent, kept when it is sent on: {@link KEPT_PROPERTIES}. */
  readonly properties?: Readonly<Record<string, unknown>>
}

/** dueque's own headers. Frozen: see docs/wire-format.md. */
export const HEADER = {
  due: 'dueque-due',
  revision: 'dueque-revision',
  attempt: 'dueque-attempt',
  to: 'dueque-to',
  version: 'dueque-version',
  expires: 'dueque-expires',
  dedupe: 'dueque-dedupe',
  reason: 'dueque-dead-reason',
  error: 'dueque-dead-error',
  stack: 'dueque-dead-stack',
  deadAt: 'dueque-dead-at',
  firstFailed: 'dueque-first-failed',
  lastFailed: 'dueque-last-failed',
  retryAt: 'dueque-retry-at',
  priorAttempts: 'dueque-prior-attempts',
  rescues: 'dueque-rescues',
  parkedAt: 'dueque-parked-at',
  putBacks: 'dueque-put-backs',
  parkedReason: 'dueque-parked-reason',
  parkedError: 'dueque-parked-error',
} as const

/** What a broker adds to headers on the way. `x-death` must not go out again: 3.x would trust it and drop the message. */
const BROKER_HEADER = /^x-(?:death$|(?:first|last)-death-|delivery-count$|acquired-count$)/

/** Headers that a broker routes by. Exactly so: other letter cases mean nothing to it. */
const ROUTING_HEADERS: readonly string[] = ['CC', 'BCC']

/**
 * The AMQP properties of a foreign producer that go out again. The others are dueque's to set, or must not be set:
 * `expiration` would shorten the wait, `userId` is not ours, and amqplib makes headers of `CC` and `BCC`.
 */
const KEPT_PROPERTIES = ['contentEncoding', 'replyTo', 'appId', 'clusterId'] as const

/**
 * Headers must fit one AMQP frame together with what the broker adds on the way (`x-death`, about 120 bytes a hop), and
 * amqplib encodes into a 64 KiB buffer.
 */
const MAX_HEADER_BYTES = 48 * 1024

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

/** The routing key that the consumer sees. */
export function routingKeyOf({ routingKey, destination }: Pick<DelayedMessage, 'routingKey' | 'destination'>): string {
  return routingKey ?? destination.queue ?? destination.routingKey ?? ''
}

/** From when on a message may be handled: when it is due, or its retry is. Milliseconds since the epoch. */
export function readyAt({ dueAt, retryAt = 0 }: { dueAt: number | undefined; retryAt?: number | undefined }): number {
  return Math.max(dueAt ?? 0, retryAt)
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
  const attempt = integer(headers[HEADER.attempt]) || 1
  const priorAttempts = integer(headers[HEADER.priorAttempts]) ?? 0
  return {
    id: text(properties['messageId']),
    name: text(properties['type']),
    version: integer(headers[HEADER.version]) || 1,
    dueAt: instant(headers[HEADER.due]),
    revision: integer(headers[HEADER.revision]),
    attempt,
    // A forged one would have it tried for ever.
    priorAttempts: priorAttempts < attempt ? priorAttempts : 0,
    retryAt: instant(headers[HEADER.retryAt]),
    firstFailedAt: instant(headers[HEADER.firstFailed]),
    expiresAt: integer(headers[HEADER.expires]),
    dedupeKey: text(headers[HEADER.dedupe]),
    rescues: integer(headers[HEADER.rescues]) ?? 0,
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

/** Headers that go along with a fresh publish of something that arrived: none that a broker adds, none that it routes by. */
export function passedOn(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isKept = (name: string) => !BROKER_HEADER.test(name) && !ROUTING_HEADERS.includes(name)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)))
}

function userHeaders(headers: Readonly<Record<string, unknown>>): Headers {
  const own = Object.keys(headers).filter((name) => !isReserved(name) && !BROKER_HEADER.test(name))
  return own.length === 0 ? {} : Object.fromEntries(own.map((name) => [name, headers[name] as HeaderValue]))
}

/**
 * @throws DuequeError `RESERVED_NAME` for CC, BCC, `x-death` and dueque's own names; `HEADERS_TOO_LARGE`;
 * `INVALID_OPTION` for a value that AMQP has no type for
 */
export function checkHeaders(headers: unknown): Headers {
  if (headers === undefined) return {}
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw invalidOption('headers', 'an object', headers)
  }
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  let bytes = 0
  for (const [name, value] of given) {
    if (isReserved(name) || ROUTING_HEADERS.includes(name) || BROKER_HEADER.test(name)) {
      throw new DuequeError('RESERVED_NAME', `headers: ${name} is kept for dueque and the broker`, { name })
    }
    bytes += nameBytes(name) + valueBytes(`headers.${name}`, value, 0)
  }
  if (bytes > MAX_HEADER_BYTES) {
    throw new DuequeError('HEADERS_TOO_LARGE', `headers: ${bytes} bytes, over the limit of ${MAX_HEADER_BYTES}`, {
      bytes,
      maxBytes: MAX_HEADER_BYTES,
    })
  }
  return structuredClone(Object.fromEntries(given))
}

function nameBytes(name: string): number {
  if (name === '__proto__') throw invalidOption('headers', 'no key "__proto__"', name)
  const bytes = Buffer.byteLength(name)
  if (bytes > 255)
    throw new DuequeError('NAME_TOO_LONG', `headers: a name of ${bytes} bytes`, { name, bytes, maxBytes: 255 })
  return bytes + 1
}

const MAX_DEPTH = 16

/** At least the bytes of the value's encoding. AMQP 0-9-1, 4.2.5.5. */
function valueBytes(path: string, value: unknown, depth: number): number {
  if (typeof value === 'string') return 5 + Buffer.byteLength(value)
  if (typeof value === 'boolean' || value === null) return 2
  if (typeof value === 'number' && isEncodable(value)) return 9
  if (typeof value !== 'object' || depth === MAX_DEPTH || !isPlain(value)) {
    throw invalidOption(path, 'a string, finite number, boolean, null, or a plain array or object of them', value)
  }
  if (Object.hasOwn(value, '!')) throw invalidOption(path, 'no key "!", which amqplib reads as a type', '!')
  let bytes = 5
  // An index that is missing is `undefined` here, and refused.
  for (const [name, inner] of Object.entries(Array.isArray(value) ? Array.from<unknown>(value) : value))
    bytes += nameBytes(name) + valueBytes(`${path}.${name}`, inner, depth + 1)
  return bytes
}

/** amqplib writes a large number as a 64-bit integer. */
function isEncodable(value: number): boolean {
  return Number.isFinite(value) && (Math.abs(value) < 2 ** 50 || (Number.isInteger(value) && value > -(2 ** 63)))
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  // The Object.prototype of any realm has none above it.
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A header or property that is a text. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number, also from clients that write numbers as floats or strings. */
export function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** What a Date can hold. ECMA-262, 21.4.1.1. */
function instant(value: unknown): number | undefined {
  const ms = integer(value)
  return ms !== undefined && ms <= 8.64e15 ? ms : undefined
}
