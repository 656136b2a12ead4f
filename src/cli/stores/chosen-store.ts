import type { WaitingMethods } from '../../index.js'
import { silent } from '../../base/logger.js'
import type { MessageStore } from '../../strategies/store/message-store.js'
import { waitlistMethods } from '../../schedule/waitlist-methods.js'
import { usage } from '../exit.js'
import type { Terminal } from '../terminal.js'
import type { StoreSettings } from './store-options.js'

/** A store with a client of its own. */
export interface ChosenStore {
  readonly store: MessageStore
  /** Of the client. */
  close: () => unknown
}

/** The store that was chosen, if one was. The caller closes it. */
export async function chosenStore(settings: StoreSettings): Promise<ChosenStore | undefined> {
  const { redis, redisPrefix, postgres, postgresSchema } = settings
  if (redis !== undefined && postgres !== undefined) throw usage('--redis and --postgres: expected one of them')
  if (postgres !== undefined) return inPostgres(postgres, postgresSchema)
  return redis === undefined ? undefined : inRedis(redis, redisPrefix)
}

// Each loads what the other does not need.

async function inPostgres(url: string, schema: string | undefined): Promise<ChosenStore> {
  const { connectPostgres } = await import('./postgres-client.js')
  const { postgresStore } = await import('../../strategies/postgres/postgres-store.js')
  const { pool, close } = await connectPostgres(url)
  // Commands that look or relay do not change the schema.
  return { store: postgresStore({ pool, schema, migrate: false }), close }
}

async function inRedis(url: string, prefix: string | undefined): Promise<ChosenStore> {
  const { connectRedis } = await import('./redis-client.js')
  const { redisStore } = await import('../../strategies/redis/redis.js')
  const { client, close } = await connectRedis(url, { whole: true })
  return { store: redisStore({ client, prefix }), close }
}

/** @throws CommandError if no store was chosen */
export async function neededStore(settings: StoreSettings): Promise<ChosenStore> {
  const chosen = await chosenStore(settings)
  if (chosen) return chosen
  throw usage('which store? --redis URL or --postgres URL')
}

/** For a work on waiting messages of a store, without RabbitMQ. */
export function withWaitlist<T>(
  settings: StoreSettings,
  terminal: Terminal,
  work: (waiting: Omit<WaitingMethods, 'cancelAll'>) => Promise<T>,
): Promise<T> {
  return withStore(settings, terminal, (store) => work(waitlistMethods(store, store, () => Date.now())))
}

/** For a work on a store itself. */
export async function withStore<T>(
  settings: StoreSettings,
  terminal: Terminal,
  work: (store: MessageStore) => Promise<T>,
): Promise<T> {
  const { store, close } = await neededStore(settings)
  try {
    // Warnings about the server are for programs that write to it, and for doctor.
    await store.open({ logger: silent, onError: (error) => terminal.error(error) })
    return await work(store)
  } finally {
    await store.close()
    await close()
  }
}
