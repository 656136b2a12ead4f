import { batchQueue } from '../../message/batch.js'
import { backTo, type Destination } from '../../message/destination.js'
import { DEAD_REASONS } from '../../message/death.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { decodeEnvelope, sentOn, type Arrived } from '../../message/envelope.js'
import { HEADER, readInteger, readText } from '../../message/headers.js'
import { destinationFor, withKey } from './parked-messages.js'

/** Every {@link DeadLetter.reason} that this version knows: those of consumers and of RabbitMQ. */
export const KNOWN_REASONS: readonly string[] = [...DEAD_REASONS, 'rejected', 'maxlen', 'unknown']

/** Why and when a message in a dead queue was given up. Instants are milliseconds since the epoch. */
export interface DeadLetter {
  /**
   * That of the consumer (docs/reference/wire-format/dead.md), or of the broker, written as those are: `delivery-limit`,
   * `rejected`. `unknown` where neither says any.
   */
  reason: string
  error: string | undefined
  /** Where a handler threw it. */
  stack: string | undefined
  /** Deliveries to a handler. */
  attempts: number
  firstFailedAt: number | undefined
  lastFailedAt: number | undefined
  diedAt: number | undefined
  /** When it became useless. */
  expiresAt: number | undefined
}

/** @param queue whose dead queue it is in */
export function deadLetterOf(stored: Arrived, queue: string): DeadLetter {
  const { headers } = stored
  const { attempt, expiresAt } = decodeEnvelope(stored)
  const broker = brokerDeathOf(headers, cameTo(headers, queue))
  return {
    reason: readText(headers[HEADER.reason]) ?? broker.reason?.replaceAll('_', '-') ?? 'unknown',
    error: readText(headers[HEADER.error]),
    stack: readText(headers[HEADER.stack]),
    attempts: attempt,
    firstFailedAt: readInteger(headers[HEADER.firstFailed]),
    lastFailedAt: readInteger(headers[HEADER.lastFailed]),
    diedAt: readInteger(headers[HEADER.deadAt]) ?? broker.at,
    expiresAt,
  }
}

/** Headers about a death, and about failures and redrives before it. */
const OF_THE_PAST: ReadonlySet<string> = new Set([
  HEADER.reason,
  HEADER.error,
  HEADER.stack,
  HEADER.deadAt,
  HEADER.firstFailed,
  HEADER.lastFailed,
  HEADER.retryAt,
  HEADER.rescues,
  HEADER.parkedAt,
  HEADER.parkedReason,
  HEADER.parkedError,
])

/**
 * A dead message as it starts anew: the same id, revision and due time. If a consumer gave it up, it is the next attempt,
 * because consumers remember the last one as settled. If the broker moved it, it is the same attempt: a message that was
 * handled, and whose ack was lost, is remembered as settled and not handled again. No retry policy counts the attempts so far.
 * Two copies of one dead message agree in all of this, and count as duplicates.
 *
 * @param queue whose dead queue it is in, and so where it belongs; not `dueque-to`, which may be an exchange with more queues
 * @param now milliseconds since the epoch
 * @throws DuequeError `RESERVED_NAME`, `INVALID_OPTION` for a batch to another destination
 */
export function deadSentOn(stored: Arrived, queue: string, to: Destination | undefined, now: number): DelayedMessage {
  const envelope = decodeEnvelope(stored)
  const own = cameTo(stored.headers, queue)
  const routingKey = brokerDeathOf(stored.headers, own).routingKey ?? stored.routingKey
  const message = sentOn(
    { ...stored, routingKey },
    envelope,
    withKey(destinationFor(stored, backTo(own, stored.headers), to), routingKey),
    now,
  )
  const kept = Object.entries(message.headers).filter(([name]) => !OF_THE_PAST.has(name))
  const attempt = readText(stored.headers[HEADER.reason]) === undefined ? envelope.attempt : envelope.attempt + 1
  return {
    ...message,
    attempt,
    retryAt: undefined,
    headers: { ...Object.fromEntries(kept), ...(attempt > 1 && { [HEADER.priorAttempts]: attempt - 1 }) },
  }
}

/** The queue in which a message of a dead queue was before: a batch, in the one for batches. */
function cameTo(headers: Readonly<Record<string, unknown>>, queue: string): string {
  return headers[HEADER.items] === undefined ? queue : batchQueue(queue)
}

interface BrokerDeath {
  reason: string | undefined
  at: number | undefined
  /** By which it came to the work queue. The broker's dead letters have that of the dead queue. */
  routingKey: string | undefined
}

/** Every rung that it waited in has an entry as well; the latest is the first. */
function brokerDeathOf(headers: Readonly<Record<string, unknown>>, queue: string): BrokerDeath {
  const deaths = headers['x-death']
  const entries = (Array.isArray(deaths) ? deaths : []) as Partial<Record<string, unknown>>[]
  const entry = entries.find((one) => one?.['queue'] === queue)
  // Where there is no x-death, as behind a proxy or a shovel that drops it.
  const first = headers['x-first-death-queue'] === queue ? readText(headers['x-first-death-reason']) : undefined
  const last = headers['x-last-death-queue'] === queue ? readText(headers['x-last-death-reason']) : undefined
  const seconds = (entry?.['time'] as { value?: unknown } | undefined)?.value
  const keys = entry?.['routing-keys']
  return {
    reason: readText(entry?.['reason']) ?? last ?? first,
    at: typeof seconds === 'number' ? seconds * 1000 : undefined,
    routingKey: Array.isArray(keys) ? readText(keys[0]) : undefined,
  }
}
