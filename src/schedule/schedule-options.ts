import { isDeepStrictEqual } from 'node:util'
import { anAbortSignal, checkNames, checkOne, flag, integer, isInteger } from '../base/checks.js'
import { checkDestination, destinationText, type Destination } from '../message/destination.js'
import { resolveDue, type Due } from '../message/due.js'
import { parseDelay, type Duration } from '../message/duration.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { checkHeaders, type HeaderValue } from '../message/headers.js'
import { aborted, DuequeError, invalidOption } from '../base/errors.js'
import type { Receipt } from '../message/receipt.js'
import { nextRevision } from './revision.js'
import type { ConflictOptions } from './conflict-options.js'

/** What travels with a message, and how it is sent. */
export interface SendOptions {
  /** What the consumer gets as `delivery.headers`. Not CC, BCC, or names that begin with `dueque-` or `dq~`. */
  headers?: Record<string, HeaderValue | undefined> | undefined
  /**
   * AMQP priority, 0 to 4. More is refused: quorum queues know two levels, and on 4.0 to 4.2 a waiting message of the
   * higher one would block the others.
   */
  priority?: number | undefined
  correlationId?: string | undefined
  /**
   * Deliveries with one dedupe key count as copies of each other at the consumer: so a schedule whose outcome is unknown
   * can be repeated. @default id and revision, which is another at each schedule
   */
  dedupeKey?: string | undefined
  /** How long after its due time the message is still of use, as `in`, more than 0. Later it goes to the dead queue. */
  expiresIn?: Duration | undefined
  /** Declares a missing work queue, and its dead queue, instead of failing. @default false */
  declare?: boolean | undefined
  /** Gives up waiting for the confirm. The error's `outcome` says whether the message may wait. */
  signal?: AbortSignal | undefined
}

/** Where to, and what else travels with a message. */
export interface AddressOptions extends SendOptions {
  /** A queue, or an exchange with a routing key. */
  to: Destination
  /**
   * Names the message, to people and to `cancel` and `reschedule`. Two schedules under one id are two messages.
   * @default a random UUID
   */
  id?: string | undefined
  /**
   * Repeats a schedule whose outcome was `unknown`, with the receipt of its error: `{ ...options, repeat: error.receipt }`.
   * Id, due time and revision are the receipt's, and `in`, `at` and `id` are not looked at; `to` has to be the same. Should
   * both copies arrive, a consumer handles one, within its window for duplicates.
   */
  repeat?: Receipt | undefined
}

/** Instead of a due time, the receipt whose schedule is repeated. `in` and `at` may be there, and are not looked at. */
export interface Repeat {
  repeat: Receipt
}

/**
 * Where to, when, and what else travels with a message. The due time stands last, and a repetition has no `in` and `at` of its
 * own, so that TypeScript names these two if they are both missing or both there.
 */
export type ScheduleOptions = (Repeat & AddressOptions) | (Due & AddressOptions)

/** A message to which its definition and payload are still to be added. */
export type Draft = { -readonly [K in keyof DelayedMessage]: DelayedMessage[K] }

/** Also those that only some strategies have. */
type Known = keyof AddressOptions | keyof Due | keyof ConflictOptions | 'transaction'

export const SEND_OPTIONS: Record<keyof SendOptions, true> = {
  headers: true,
  priority: true,
  correlationId: true,
  dedupeKey: true,
  expiresIn: true,
  declare: true,
  signal: true,
}

const KNOWN: Record<Known, true> = {
  ...SEND_OPTIONS,
  to: true,
  in: true,
  at: true,
  id: true,
  repeat: true,
  onConflict: true,
  transaction: true,
}

/** Of a message: see {@link SendOptions}. */
export const PRIORITY = integer(0, 4)

const NO_BODY = new Uint8Array()

/**
 * @param leastRevision of a schedule that replaces another one
 * @throws DuequeError for whatever cannot be sent as it is; nothing has been sent then
 */
export function resolveSchedule(
  options: ScheduleOptions,
  now: number,
  maxDelayMs: number,
  leastRevision?: number,
): Draft {
  checkNames(options, KNOWN)
  const { id: ownId = crypto.randomUUID(), headers, priority, correlationId, dedupeKey } = options
  const { expiresIn, repeat, declare, signal } = options
  const destination = checkDestination(options.to)
  const { id, dueAt, revision } =
    repeat !== undefined
      ? resolveRepeat(repeat, destination, now, maxDelayMs)
      : { id: ownId, dueAt: resolveDue(options as Due, now, maxDelayMs), revision: nextRevision(now, leastRevision) }
  // As it was the first time.
  const scheduledAt = repeat !== undefined ? Math.floor(revision / 1000) : now
  checkText('id', id)
  if (correlationId !== undefined) checkText('correlationId', correlationId)
  if (dedupeKey !== undefined) checkText('dedupeKey', dedupeKey)
  if (priority !== undefined) checkOne('priority', PRIORITY, priority)
  if (declare !== undefined) checkOne('declare', flag, declare)
  if (signal !== undefined) checkOne('signal', anAbortSignal, signal)
  return {
    id,
    name: '',
    version: 0,
    body: NO_BODY,
    dueAt,
    destination,
    headers: checkHeaders(headers),
    priority,
    correlationId,
    dedupeKey,
    expiresAt: expiresIn === undefined ? undefined : Math.max(dueAt, scheduledAt) + usefulMs(expiresIn),
    scheduledAt,
    revision,
    attempt: 1,
  }
}

/** @throws DuequeError `ABORTED` */
export function assertNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal)
}

/** With none, every message would be useless by the time that its handler can start. */
function usefulMs(expiresIn: Duration): number {
  const ms = parseDelay(expiresIn, 'expiresIn')
  if (ms === 0) throw invalidOption('expiresIn', 'more than 0', expiresIn)
  return ms
}

/** What makes a copy of the message that the receipt is for. */
function resolveRepeat(repeat: Receipt, to: Destination, now: number, maxDelayMs: number) {
  const { id, dueAt, revision, destination } = Object(repeat) as Partial<Receipt>
  if (id === undefined || dueAt === undefined || !isInteger(revision, 0)) {
    throw invalidOption('repeat', "an error's receipt", repeat)
  }
  if (!isDeepStrictEqual({ ...destination }, { ...to })) {
    throw invalidOption('to', 'the destination of the receipt', destinationText(to))
  }
  return { id, dueAt: resolveDue({ at: dueAt }, now, maxDelayMs), revision }
}

/**
 * @param maxBytes AMQP properties are short strings: 255 bytes
 * @throws DuequeError `INVALID_OPTION` or `NAME_TOO_LONG`
 */
export function checkText(option: string, text: unknown, maxBytes = 255): asserts text is string {
  if (typeof text !== 'string' || text === '') throw invalidOption(option, 'a text', text)
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return
  throw new DuequeError('NAME_TOO_LONG', `${option}: ${bytes} bytes, over the limit of ${maxBytes}`, {
    name: text,
    bytes,
    maxBytes,
  })
}
