import { LATEST_MS } from '../../base/clock.js'
import type { Names } from '../../amqp/topology/names.js'
import type { Destination } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { decodeEnvelope } from '../../message/envelope.js'
import { HEADER, readText } from '../../message/headers.js'
import type { TakenMessage } from './failed-queue.js'

/**
 * A kind of failed messages: those that stay in a queue until an operator takes them, because consumers gave them up (dead)
 * or because they had nowhere to go (parked).
 */
export interface FailedKind<S extends FailedSummary = FailedSummary> {
  readonly name: 'dead' | 'parked'
  /** The queue that they are in. */
  queueOf(names: Names): string
  summaryOf(message: TakenMessage): S
  /** When it came into the queue: milliseconds since the epoch. */
  failedAt(message: TakenMessage): number | undefined
  reasonOf(message: TakenMessage): string | undefined
  /** Whether consumers would give it up again, because it expired. */
  isExpired(message: TakenMessage, now: number): boolean
  /**
   * The message as redrive sends it on.
   *
   * @param to instead of where it belongs
   * @param now milliseconds since the epoch
   * @throws DuequeError if it cannot be sent on, and so stays
   */
  sentOn(message: TakenMessage, to: Destination | undefined, now: number): DelayedMessage
  /**
   * Whether the message alone says where it belongs. Then redrive sends it only to destinations that are bound in the
   * namespace, or that the operator named: whoever may send messages can name any queue.
   */
  readonly isSelfAddressed: boolean
}

/** A failed message in brief. A fact that it does not have is undefined. */
export interface FailedSummary {
  id: string | undefined
  name: string | undefined
  /** As its header says: `queue:reminders`. */
  destination: string | undefined
  dueAt: Date | undefined
  /** Of the body. */
  bytes: number
  reason?: string | undefined
}

export function idOf({ properties }: TakenMessage): string | undefined {
  return readText(properties['messageId'])
}

/** The facts that every message has. */
export function basicSummaryOf(message: TakenMessage) {
  const { name, dueAt } = decodeEnvelope(message)
  return {
    id: idOf(message),
    name,
    destination: readText(message.headers[HEADER.to]),
    dueAt: instantOf(dueAt),
    bytes: message.body.byteLength,
  }
}

/** @param value milliseconds since the epoch, perhaps more than a Date can hold */
export function instantOf(value: number | undefined): Date | undefined {
  return value !== undefined && Math.abs(value) <= LATEST_MS ? new Date(value) : undefined
}
