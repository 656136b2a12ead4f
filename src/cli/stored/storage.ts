import { parseEndpoints } from '../../amqp/connection/endpoint.js'
import { Names } from '../../amqp/topology/names.js'
import { StorageQueue, type Stored } from '../../operate/failed/failed-queue.js'
import { readText } from '../../message/headers.js'
import { isDuequeError } from '../../base/errors.js'
import { resolveOptions, type ResolvedOptions } from '../../options.js'
import { CommandError } from '../exit.js'
import { connectOptions, type Settings } from '../settings.js'
import type { Terminal } from '../terminal.js'
import type { Store } from './store.js'

/** Opens one of the storage queues, and gives back what is not settled whatever becomes of the work. */
export async function withStorage<T>(
  settings: Settings,
  terminal: Terminal,
  store: Store,
  work: (queue: StorageQueue, options: ResolvedOptions) => Promise<T>,
): Promise<T> {
  const options = resolveOptions(connectOptions(settings, terminal))
  const queue = await open(options, store)
  try {
    return await work(queue, options)
  } finally {
    await queue.close()
  }
}

async function open(options: ResolvedOptions, store: Store): Promise<StorageQueue> {
  const name = store.queueOf(new Names(options.namespace))
  try {
    return await StorageQueue.open({ ...options, endpoints: parseEndpoints(options.url) }, name)
  } catch (error) {
    if (!isDuequeError(error, 'DESTINATION_MISSING')) throw error
    throw new CommandError('QUEUE_MISSING', `there is no queue ${name}: ${store.missing}`, error)
  }
}

export function idOf({ properties }: Stored): string | undefined {
  return readText(properties['messageId'])
}

export function notFound(ids: readonly string[], queue: string): CommandError {
  const quoted = ids.map((id) => JSON.stringify(id)).join(', ')
  return new CommandError('NOT_FOUND', `no message with id ${quoted} in ${queue}`)
}
