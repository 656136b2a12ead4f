import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import type { Names } from '../../amqp/topology/names.js'
import type { FailedKind } from './failed-kind.js'
import { FailedQueue } from './failed-queue.js'

/**
 * Opens the queue of failed messages, and gives back the unsettled messages when the work ends, however it ends.
 *
 * @throws DuequeError `DESTINATION_MISSING` if there is no such queue; as `connect` does
 */
export async function withFailedQueue<T>(
  settings: ConnectionSettings & { names: Names },
  kind: FailedKind,
  work: (queue: FailedQueue) => Promise<T>,
): Promise<T> {
  const queue = await FailedQueue.open(settings, kind.queueOf(settings.names))
  try {
    return await work(queue)
  } finally {
    await queue.close()
  }
}
