import { isInteger } from '../base/checks.js'
import { LATEST_MS } from '../base/clock.js'
import { DuequeError, invalidOption } from '../base/errors.js'
import { isReserved } from './destination.js'

/** A header's value, as far as AMQP and JSON agree. */
export type HeaderValue =
  string | number | boolean | null | readonly HeaderValue[] | { readonly [key: string]: HeaderValue }
export type Headers = Readonly<Record<string, HeaderValue>>

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
  scheduledFor: 'dueque-scheduled-for',
  backfilled: 'dueque-backfilled',
  items: 'dueque-items',
} as const

/** What a broker adds to headers on the way. `x-death` must not go out again: 3.x would trust it and drop the message. */
const BROKER_HEADER = /^x-(?:death$|(?:first|last)-death-|delivery-count$|acquired-count$)/

/** Headers that a broker routes by. Exactly so: other letter cases mean nothing to it. */
const ROUTING_HEADERS: readonly string[] = ['CC', 'BCC']

/** Headers that go along with a fresh publish of something that arrived: none that a broker adds, none that it routes by. */
export function passedOn(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isKept = (name: string) => !BROKER_HEADER.test(name) && !ROUTING_HEADERS.includes(name)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)))
}

/** The headers of the producer: without those of dueque and of the broker. */
export function userHeaders(headers: Readonly<Record<string, unknown>>): Headers {
  const own = Object.keys(headers).filter((name) => !isReserved(name) && !BROKER_HEADER.test(name))
  return own.length === 0 ? {} : Object.fromEntries(own.map((name) => [name, headers[name] as HeaderValue]))
}

/**
 * Headers must fit one AMQP frame together with what the broker adds on the way (`x-death`, about 120 bytes a hop), and
 * amqplib encodes into a 64 KiB buffer.
 */
const MAX_HEADER_BYTES = 48 * 1024

/**
 * @throws DuequeError `RESERVED_NAME` for CC, BCC, `x-death` and dueque's own names; `HEADERS_TOO_LARGE`;
 * `INVALID_OPTION` for a value that AMQP has no type for
 */
export function checkHeaders(headers: unknown): Headers {
  if (headers === undefined) return {}
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw invalidOption('headers', 'an object', headers)
  }
  const checked: Record<string, HeaderValue> = {}
  let bytes = 0
  for (const [name, value] of Object.entries(headers) as [string, unknown][]) {
    if (value === undefined) continue
    if (isReserved(name) || ROUTING_HEADERS.includes(name) || BROKER_HEADER.test(name)) {
      throw new DuequeError('RESERVED_NAME', `headers: ${name} is kept for dueque and the broker`, { name })
    }
    bytes += nameBytes(name) + valueBytes(`headers.${name}`, value, 0)
    // To clone texts and numbers would take longer than everything else about them.
    checked[name] = (typeof value === 'object' ? structuredClone(value) : value) as HeaderValue
  }
  if (bytes > MAX_HEADER_BYTES) {
    throw new DuequeError('HEADERS_TOO_LARGE', `headers: ${bytes} bytes, over the limit of ${MAX_HEADER_BYTES}`, {
      bytes,
      maxBytes: MAX_HEADER_BYTES,
    })
  }
  return checked
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
export function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number, also from clients that write numbers as floats or strings. */
export function readInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  return isInteger(number, 0) ? number : undefined
}

/** An instant that a Date can hold. */
export function readInstant(value: unknown): number | undefined {
  const ms = readInteger(value)
  return ms !== undefined && ms <= LATEST_MS ? ms : undefined
}
