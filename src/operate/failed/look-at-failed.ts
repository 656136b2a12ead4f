import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { isDuequeError } from '../../base/errors.js'
import type { QueueCount } from '../status-report.js'
import { deadMessages, queueOfDead } from './dead-messages.js'
import { instantOf, type FailedKind } from './failed-kind.js'
import { FailedQueue } from './failed-queue.js'

/** The messages at the head of a queue of failed messages, which have been in it for longest. */
export interface FailedLook {
  /** Messages in the queue. */
  readonly count: number
  readonly looked: number
  /** When the earliest of them failed. Undefined if none of them says. */
  readonly oldestAt: Date | undefined
  /** How many of them have each reason, most frequent first. */
  readonly reasons: ReadonlyMap<string, number>
}

/**
 * Takes messages from the head of a queue of failed messages, and gives them back.
 *
 * @returns undefined if this user may not read it, or it is gone
 * @throws DuequeError `UNREACHABLE`
 */
export async function lookAtFailed(
  connection: AmqpConnection,
  kind: FailedKind,
  name: string,
  limit: number,
): Promise<FailedLook | undefined> {
  let queue: FailedQueue | undefined
  try {
    queue = await FailedQueue.openOn(connection, name)
    const reasons = new Map<string, number>()
    let [looked, oldest] = [0, Infinity]
    for await (const message of queue.messages(limit)) {
      looked++
      oldest = Math.min(oldest, kind.failedAt(message) ?? Infinity)
      const reason = kind.reasonOf(message) ?? 'unknown'
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    const byCount = [...reasons].sort(([, one], [, other]) => other - one)
    return { count: queue.count, looked, oldestAt: instantOf(oldest), reasons: new Map(byCount) }
  } catch (error) {
    if (isDuequeError(error, 'PERMISSION_DENIED') || isDuequeError(error, 'DESTINATION_MISSING')) return undefined
    throw error
  } finally {
    await queue?.close()
  }
}

/** The same of a dead queue. */
export function lookAtDead(connection: AmqpConnection, dead: string, limit: number): Promise<FailedLook | undefined> {
  return lookAtFailed(connection, deadMessages(queueOfDead(dead)), dead, limit)
}

/** So many dead queues are looked at, those with the most messages: each look takes some milliseconds. */
const MOST_QUEUES = 50

/** When the first message of each dead queue died, by its name, as far as this is known. */
export async function oldestDead(
  connection: AmqpConnection,
  queues: readonly QueueCount[],
): Promise<Map<string, Date>> {
  const found = new Map<string, Date>()
  const full = queues.filter(({ ready }) => ready > 0).sort((a, b) => b.messages - a.messages)
  for (const { queue } of full.slice(0, MOST_QUEUES)) {
    const look = await lookAtDead(connection, queue, 1)
    if (look?.oldestAt) found.set(queue, look.oldestAt)
  }
  return found
}
