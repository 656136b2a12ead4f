import { withConnection } from '../../amqp/connection/operator-connection.js'
import { deadQueue } from '../../amqp/topology/names.js'
import { aFunction, integer } from '../../base/checks.js'
import { DuequeError } from '../../base/errors.js'
import { escaped } from '../doctor/texts.js'
import { askManagement } from '../management/api.js'
import { queuesBehind } from '../management/queues-behind.js'
import { listQueues } from '../management/resources.js'
import { assertSameBroker, clusterOf } from '../management/same-broker.js'
import { operatorSettings, type OnProgress, type OperatorOptions } from '../operator-settings.js'
import { queueOfDead } from './dead-messages.js'
import { lookAtDead, type FailedLook } from './look-at-failed.js'

export interface ListDeadQueuesOptions extends OperatorOptions {
  /** Queues in the answer at most. @default 100 */
  limit?: number | undefined
  /** Queues looked at, of how many. */
  onProgress?: OnProgress | undefined
  /**
   * Runs each look at a dead queue, which takes messages out of it and gives them back: perhaps later, so that no other work
   * on that queue misses them. Of one that is left out, undefined.
   * @default at once
   */
  onLook?: LookAtQueue | undefined
}

export type LookAtQueue = (
  deadQueue: string,
  look: () => Promise<FailedLook | undefined>,
) => Promise<FailedLook | undefined>

const atOnce: LookAtQueue = (_, look) => look()

/** A dead queue with messages. */
export interface DeadQueue {
  /** The work queue. */
  queue: string
  deadQueue: string
  messages: number
  /** Its first 100 messages, at most. Undefined if this user may not read the queue, or nobody looked at it. */
  head: FailedLook | undefined
}

export interface DeadQueues {
  /** The most messages first. */
  queues: DeadQueue[]
  /** All dead queues of the namespace with messages, and all messages in them. */
  count: { queues: number; messages: number }
}

/** Messages that are looked at in each queue. */
const HEAD = 100

/**
 * The dead queues of a namespace that have messages. Messages are taken from the head of each one and given back, so that they
 * keep their order.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`, because AMQP lists no queues; as `connect` does
 * @example
 * const { queues } = await listDeadQueues({ url: 'amqp://localhost' })
 */
export async function listDeadQueues(options: ListDeadQueuesOptions = {}): Promise<DeadQueues> {
  const settings = operatorSettings(options, { limit: integer(0), onProgress: aFunction, onLook: aFunction })
  const { limit = 100, onProgress, onLook = atOnce } = options
  return withConnection(settings, async (connection) => {
    const cluster = clusterOf(await connection.ready())
    const found = await askManagement(settings, settings.endpoints, async (api, { vhost }) => {
      await assertSameBroker(api, cluster)
      const { dead } = await queuesBehind(api, vhost, settings.names)
      const all = await listQueues(api, vhost, `${escaped(deadQueue(''))}$`)
      return [...all.values()].filter(({ name, messages }) => dead.has(name) && messages > 0)
    })
    if (!('answer' in found)) throw unlisted(found.reason, settings.endpoints[0]!.host)
    const full = found.answer.sort((a, b) => b.messages - a.messages)
    const shown = full.slice(0, limit)
    const queues: DeadQueue[] = []
    for (const { name, messages } of shown) {
      const head = await onLook(name, () => lookAtDead(connection, name, HEAD))
      queues.push({ queue: queueOfDead(name), deadQueue: name, messages, head })
      onProgress?.(queues.length, shown.length)
    }
    return { queues, count: { queues: full.length, messages: full.reduce((sum, one) => sum + one.messages, 0) } }
  })
}

function unlisted(reason: string, host: string): DuequeError {
  const message = `${reason}. Without the management API, which lists the dead queues, name one (dueque dead list QUEUE)`
  return new DuequeError('MANAGEMENT_FAILED', message, { host })
}
