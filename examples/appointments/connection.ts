import { connect, ladder, memory, plugin, type CancelMethods, type Dueque } from 'dueque'
import { namespace, storeName, url } from './settings.js'
import { wayNamed, type WayName } from './ways.js'

/** A connection, and the client of the store if it has one. */
export interface Connection extends AsyncDisposable {
  readonly mq: Dueque & CancelMethods
  /** Drains, then closes both. */
  close(): Promise<void>
}

/** A warning, such as of reminders that an interrupted run has left, would stand between the lines of the report. */
const nothing = () => undefined
const logger = { debug: nothing, info: nothing, warn: nothing, error: console.error }
const common = { url, namespace, logger }

/** Opens a connection whose messages wait as `DEMO_STRATEGY` says. By default they wait in RabbitMQ. */
export function openConnection(): Promise<Connection> {
  return OPEN[wayNamed(process.env['DEMO_STRATEGY'] ?? 'ladder')]()
}

const OPEN: Record<WayName, () => Promise<Connection>> = {
  // With a journal of the waiting messages if there is a dashboard to show them.
  ladder: async () =>
    process.env['DEMO_JOURNAL']
      ? withClient(await connect({ ...common, strategy: ladder({ journal: true }) }))
      : withClient(await connect({ ...common, strategy: ladder() })),
  plugin: async () => withClient(await connect({ ...common, strategy: plugin() })),
  redis: () => inRedis('redis'),
  'redis-expiry': () => inRedis('redisExpiry'),
  postgres: inPostgres,
  memory: async () => withClient(await connect({ strategy: memory() })),
}

async function inRedis(kind: 'redis' | 'redisExpiry'): Promise<Connection> {
  const [{ Redis }, strategies] = await Promise.all([import('ioredis'), import('dueque/redis')])
  const client = new Redis(process.env['REDIS_URL'] ?? 'redis://localhost')
  client.on('error', (error) => console.error(`Redis: ${error.message}`))
  const strategy = strategies[kind]({ client, prefix: storeName })
  return withClient(await connect({ ...common, strategy }), () => client.quit())
}

async function inPostgres(): Promise<Connection> {
  const [{ Pool }, { postgres }] = await Promise.all([import('pg'), import('dueque/postgres')])
  const pool = new Pool({ connectionString: process.env['DATABASE_URL'] ?? 'postgres://localhost/postgres' })
  pool.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))
  const strategy = postgres({ pool, schema: storeName })
  return withClient(await connect({ ...common, strategy }), () => pool.end())
}

function withClient(
  mq: Dueque & CancelMethods,
  closeClient: () => Promise<unknown> = () => Promise.resolve(),
): Connection {
  const close = async () => {
    await mq.close()
    await closeClient()
  }
  return { mq, close, [Symbol.asyncDispose]: close }
}
