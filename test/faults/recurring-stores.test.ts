import { Pool } from 'pg'
import { test, vi } from 'vitest'
import { migratePostgres } from '../../src/strategies/postgres/migrate.js'
import { useVhost } from '../support/broker.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'
import { atEachStep, setAtOnce, type Store } from './tickers.js'

vi.setConfig({ testTimeout: 300_000 })

const stepping = [useVhost(), useVhost()]
const setting = [useVhost(), useVhost()]
const server = useRedis()
const database = usePostgres()

test('with redis and postgres, a ticker that is killed at each step of its work loses no occurrence, doubles none, and neither forks nor ends a chain', async () => {
  const stores = await storesOf('steps')
  await Promise.all(stores.map((store, n) => atEachStep(stepping[n]!.url, { rounds: 1, count: 100, store })))
})

test('with redis and postgres, processes that set the same schedules at once make one chain of each', async () => {
  const stores = await storesOf('at_once')
  await Promise.all(stores.map((store, n) => setAtOnce(setting[n]!.url, store)))
})

/** Both stores, for one test. */
async function storesOf(schema: string): Promise<Store[]> {
  const pool = new Pool({ connectionString: database.url })
  await migratePostgres({ pool, schema }).finally(() => pool.end())
  return [
    { kind: 'redis', url: server.url, prefix: `${server.prefix}:${schema}` },
    { kind: 'postgres', url: database.url, prefix: schema },
  ]
}
