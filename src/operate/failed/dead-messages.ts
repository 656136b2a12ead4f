import { deadQueue } from '../../amqp/topology/names.js'
import { checkQueueName } from '../../message/destination.js'
import { deadLetterOf, deadSentOn } from './dead-letters.js'
import { basicSummaryOf, instantOf, type FailedKind, type FailedSummary } from './failed-kind.js'
import type { TakenMessage } from './failed-queue.js'

export interface DeadSummary extends FailedSummary {
  reason: string
  error: string | undefined
  /** Where a handler threw the error. */
  stack: string | undefined
  /** Deliveries to a handler. */
  attempts: number
  firstFailedAt: Date | undefined
  lastFailedAt: Date | undefined
  diedAt: Date | undefined
  expiresAt: Date | undefined
}

/** The work queue of a dead queue. */
export function queueOfDead(dead: string): string {
  return dead.slice(0, -deadQueue('').length)
}

/**
 * The messages that the consumers of a work queue gave up.
 *
 * @throws DuequeError `INVALID_OPTION`, `NAME_TOO_LONG`
 */
export function deadMessages(queue: string): FailedKind<DeadSummary> {
  checkQueueName('queue', queue)
  const read = (message: TakenMessage) => deadLetterOf(message, queue)
  return {
    name: 'dead',
    isSelfAddressed: false,
    queueOf: () => deadQueue(queue),
    summaryOf(message) {
      const { firstFailedAt, lastFailedAt, diedAt, expiresAt, ...rest } = read(message)
      return {
        ...basicSummaryOf(message),
        ...rest,
        firstFailedAt: instantOf(firstFailedAt),
        lastFailedAt: instantOf(lastFailedAt),
        diedAt: instantOf(diedAt),
        expiresAt: instantOf(expiresAt),
      }
    },
    failedAt: (message) => read(message).diedAt,
    reasonOf: (message) => read(message).reason,
    isExpired: (message, now) => (read(message).expiresAt ?? Infinity) <= now,
    sentOn: (message, to, now) => deadSentOn(message, queue, to, now),
  }
}
