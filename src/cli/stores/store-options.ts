import { Option, type Command } from 'commander'
import type { WaitingMethods } from '../../index.js'
import { silent } from '../../base/logger.js'
import { postgresStore } from '../../strategies/postgres/postgres-store.js'
import { redisStore } from '../../strategies/redis/redis.js'
import type { MessageStore } from '../../strategies/store/message-store.js'
import { waitlistMethods } from '../../schedule/waitlist-methods.js'
import { usage } from '../exit.js'
import type { Terminal } from '../terminal.js'
import { connectPostgres } from './postgres-client.js'
import { connectRedis } from './redis-client.js'

/** Which store messages wait in, instead of RabbitMQ. */
export interface StoreSettings {
  redis?: string
  redisPrefix?: string
  postgres?: string
  postgresSchema?: string
}

/** A store with a client of its own. */
export interface ChosenStore {
  readonly store: MessageStore
  /** Of the client. */
  close: () => unknown
}

export function addStoreOptions(program: Command): void {
  program
    .addOption(
      new Option('--redis <url>', 'messages wait in Redis; a password is safer in the variable').env(
        'DUEQUE_REDIS_URL',
      ),
    )
    .addOption(new Option('--redis-prefix <name>', 'of its keys (default: dueque)').env('DUEQUE_REDIS_PREFIX'))
    .addOption(
      new Option('--postgres <url>', 'messages wait in PostgreSQL; a password is safer in the variable').env(
        'DUEQUE_POSTGRES_URL',
      ),
    )
    .addOption(new Option('--postgres-schema <name>', 'of its tables (default: dueque)').env('DUEQUE_POSTGRES_SCHEMA'))
}

/** The store that was chosen, if one was. The caller closes it. */
export async function chosenStore(settings: StoreSettings): Promise<ChosenStore | undefined> {
  const { redis, redisPrefix, postgres, postgresSchema } = settings
  if (redis !== undefined && postgres !== undefined) throw usage('--redis and --postgres: expected one of them')
  if (postgres !== undefined) {
    const { pool, close } = await connectPostgres(postgres)
    // Commands that look or relay do not change the schema.
    return { store: postgresStore({ pool, schema: postgresSchema, migrate: false }), close }
  }
  if (redis === undefined) return undefined
  const { client, close } = await connectRedis(redis, { whole: true })
  return { store: redisStore({ client, prefix: redisPrefix }), close }
}

/** @throws CommandError if no store was chosen */
export async function neededStore(settings: StoreSettings): Promise<ChosenStore> {
  const chosen = await chosenStore(settings)
  if (chosen) return chosen
  throw usage(
    'messages that wait in RabbitMQ itself cannot be looked at: name their store (--redis URL, --postgres URL)',
  )
}

/** For a work on waiting messages of a store, without RabbitMQ. */
export async function withWaitlist<T>(
  settings: StoreSettings,
  terminal: Terminal,
  work: (waiting: Omit<WaitingMethods, 'cancelAll'>) => Promise<T>,
): Promise<T> {
  const { store, close } = await neededStore(settings)
  try {
    // Warnings about the server are for programs that write to it, and for doctor.
    await store.open({ logger: silent, onError: (error) => terminal.error(error) })
    const { name, limits } = store
    return await work(waitlistMethods({ name, limits }, store, () => Date.now()))
  } finally {
    await store.close()
    await close()
  }
}
