import { parseEndpoints } from '../amqp/endpoint.js'
import { Names } from '../amqp/names.js'
import { StorageQueue, type Stored } from '../amqp/storage-queue.js'
import { isDuequeError } from '../errors.js'
import { resolveOptions, type ResolvedOptions } from '../options.js'
import { CommandError } from './exit.js'
import { connectOptions, type Settings } from './settings.js'
import type { Terminal } from './terminal.js'

/** Opens one of dueque's storage queues, and gives back what is not settled whatever becomes of the work. */
export async function withStorage<T>(
  settings: Settings,
  terminal: Terminal,
  nameOf: (names: Names) => string,
  work: (queue: StorageQueue, options: ResolvedOptions) => Promise<T>,
): Promise<T> {
  const options = resolveOptions(connectOptions(settings, terminal))
  const queue = await open(options, nameOf(new Names(options.namespace)))
  try {
    return await work(queue, options)
  } finally {
    await queue.close()
  }
}

async function open(options: ResolvedOptions, name: string): Promise<StorageQueue> {
  try {
    return await StorageQueue.open({ ...options, endpoints: parseEndpoints(options.url) }, name)
  } catch (error) {
    if (!isDuequeError(error, 'DESTINATION_MISSING')) throw error
    const message = `there is no queue ${name}: nothing was declared in this namespace and vhost (--namespace, --url)`
    throw new CommandError('QUEUE_MISSING', message, error)
  }
}

export function idOf({ properties }: Stored): string | undefined {
  const id = properties['messageId']
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** Picks messages by the ids that were asked for, and knows which of these never came. */
export class Ids {
  readonly #asked: ReadonlySet<string> | undefined
  readonly #missing: Set<string>

  /** @param asked undefined: every message */
  constructor(asked: readonly string[] | undefined) {
    this.#asked = asked && new Set(asked)
    this.#missing = new Set(asked)
  }

  has(stored: Stored): boolean {
    if (!this.#asked) return true
    const id = idOf(stored)
    if (id === undefined || !this.#asked.has(id)) return false
    this.#missing.delete(id)
    return true
  }

  get missing(): readonly string[] {
    return [...this.#missing]
  }
}

export function notFound(ids: readonly string[], queue: string): CommandError {
  const quoted = ids.map((id) => JSON.stringify(id)).join(', ')
  return new CommandError('NOT_FOUND', `no message with id ${quoted} in ${queue}`)
}
