import { Pool } from 'pg'
import postgresJs from 'postgres'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { postgresDedupe } from '../../src/strategies/postgres/index.js'
import { poll, useVhost } from '../support/broker.js'
import { NO_POSTGRES_PROGRAMS, startPostgres, usePostgres } from '../support/postgres.js'
import { anyKey, dedupeCases, failsInTime, survivesItsStore } from './dedupe-cases.js'

vi.setConfig({ testTimeout: 120_000 })
const vhost = useVhost()
const database = usePostgres()
const OWNER = '11111111-2222-4333-8444-555555555555'
const OTHER = '99999999-2222-4333-8444-555555555555'
const pools: Pool[] = []
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
})

function poolOf(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 5 })
  pool.on('error', () => undefined)
  pools.push(pool)
  return pool
}

dedupeCases({
  name: 'postgres',
  url: () => vhost.url,
  make: () => postgresDedupe({ pool: poolOf(database.url) }),
  child: () => ['postgres', database.url, 'dueque'],
})

test('postgres.js works as well as pg', async () => {
  const sql = postgresJs(database.url, { max: 3 })
  onTestFinished(() => sql.end())
  const [one, two] = [postgresDedupe({ pool: sql }), postgresDedupe({ pool: poolOf(database.url) })]
  const key = anyKey()
  expect(await one.claim(key, OWNER, 60_000)).toBe('claimed')
  expect(await two.claim(key, OTHER, 60_000)).toBe('running')
  await one.renew([key], OWNER, 60_000)
  await one.settle(key, 60_000)
  expect(await two.claim(key, OTHER, 60_000)).toBe('settled')
})

test('renewing a lost lease restores it to its owner', async () => {
  const pool = poolOf(database.url)
  const [store, key] = [postgresDedupe({ pool }), anyKey()]
  await store.claim(key, OWNER, 60_000)
  await pool.query('DELETE FROM dueque.dedupe')
  await store.renew([key], OWNER, 60_000)
  expect(await store.claim(key, OTHER, 60_000)).toBe('running')
})

test('expired keys are eventually deleted, and no others', async () => {
  const pool = poolOf(database.url)
  const store = postgresDedupe({ pool, schema: 'forgets' })
  const key = anyKey()
  await store.claim(key, OWNER, 60_000)
  await pool.query(`
    INSERT INTO forgets.dedupe SELECT sha256(n::text::bytea), NULL, now() - interval '1 s' FROM generate_series(1, 2500) n`)
  const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000)
  await store.claim(key, OWNER, 60_000)
  now.mockRestore()
  const count = async () =>
    (await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM forgets.dedupe')).rows[0]!.n
  await poll(async () => (await count()) === 1, { what: 'one row' })
  expect(await store.claim(key, OTHER, 60_000)).toBe('running')
})

test('PostgreSQL is killed and restarted: no message is handled without it, and none twice', async ({ skip }) => {
  const server = (await startPostgres()) ?? skip(NO_POSTGRES_PROGRAMS)
  onTestFinished(() => server.stop())
  await survivesItsStore(vhost.url, server, () => postgresDedupe({ pool: poolOf(server.url), timeoutMs: 500 }))
})

test('a PostgreSQL that is silent or unreachable is a STORE_ERROR in time', async () => {
  const proxy = await TcpProxy.to(database.url)
  onTestFinished(() => proxy.close())
  const store = postgresDedupe({ pool: poolOf(proxy.url()), timeoutMs: 300 })
  await poll(() => store.claim(anyKey(), OWNER, 60_000), { what: 'an answer' })
  proxy.freeze()
  await failsInTime(store)
  proxy.refuse()
  proxy.cut()
  await failsInTime(store)
})
