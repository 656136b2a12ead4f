import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Cluster } from 'ioredis'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findService } from '../../scripts/broker/find-service.js'
import { withPostgres } from '../../scripts/services/postgres-client.js'
import { openRedis } from '../../scripts/services/redis-client.js'
import { poll } from '../support/broker.js'
import { NO_PGBOUNCER, NO_POSTGRES_PROGRAMS, startPgbouncer, startPostgres, usePostgres } from '../support/postgres.js'
import { NO_REDIS_PROGRAMS, startRedis, startRedisCluster, useRedis } from '../support/redis.js'
import { FIND_TIMEOUT_MS } from '../support/services.js'

vi.setConfig({ testTimeout: FIND_TIMEOUT_MS }) // programs may have to be installed

describe('a shared server', () => {
  const redis = useRedis()
  const database = usePostgres()

  test('Redis takes keys under a prefix of the file', async () => {
    const client = await openRedis(redis.url)
    onTestFinished(() => client.disconnect())
    expect(await client.keys(`*${redis.prefix}*`)).toEqual([])
    await client.set(`${redis.prefix}:a`, '1')
    expect(await client.keys(`*${redis.prefix}*`)).toEqual([`${redis.prefix}:a`])
  })

  test('PostgreSQL has an empty database for the file', async () => {
    await withPostgres(database.url, async (client) => {
      const { rows } = await client.query("SELECT current_database() AS name, to_regclass('a') AS a")
      expect(rows).toEqual([{ name: database.name, a: null }])
      await client.query('CREATE TABLE a ()')
    })
  })
})

test('a service that cannot be started is an error with the list of choices', async () => {
  const nothing = {
    given: undefined,
    container: () => Promise.resolve(undefined),
    installed: { programs: ['no-such-program'], folders: [], install: () => Promise.resolve() },
    start: () => Promise.reject(new Error('started from nothing')),
    choices: 'One of these',
  }
  await expect(findService(nothing)).rejects.toThrow('One of these')
})

describe('a private Redis', () => {
  test.for([
    { appendonly: true, kept: '1' },
    { appendonly: false, kept: null },
  ])(
    'killed and restarted with appendonly $appendonly: a key is $kept then',
    async ({ appendonly, kept }, { skip }) => {
      const redis = await startRedis({ appendonly, config: { 'notify-keyspace-events': 'Ex' } })
      if (!redis) return skip(NO_REDIS_PROGRAMS)
      onTestFinished(() => redis.stop())
      const before = await openRedis(redis.url)
      expect(await before.config('GET', 'notify-keyspace-events')).toContain('xE')
      await before.set('a', '1')
      await redis.kill()
      await expect(openRedis(redis.url)).rejects.toThrow('ECONNREFUSED')
      await redis.restart()
      const after = await openRedis(redis.url)
      onTestFinished(() => after.disconnect())
      expect(await after.get('a')).toBe(kept)
    },
  )

  test('a cluster of three primaries accepts every key, also after one was killed and restarted', async ({ skip }) => {
    const cluster = await startRedisCluster({ appendonly: true })
    if (!cluster) return skip(NO_REDIS_PROGRAMS)
    onTestFinished(() => cluster.stop())
    const client = new Cluster(cluster.urls)
    onTestFinished(() => client.disconnect())
    const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
    await Promise.all(keys.map((key) => client.set(key, key)))
    await cluster.nodes[1]!.kill()
    await cluster.nodes[1]!.restart()
    await cluster.whole()
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys)
    expect(client.nodes('master')).toHaveLength(3)
  })
})

describe('a private PostgreSQL', () => {
  test('killed and restarted: only committed data is there', async ({ skip }) => {
    const postgres = await startPostgres()
    if (!postgres) return skip(NO_POSTGRES_PROGRAMS)
    onTestFinished(() => postgres.stop())
    const client = new Client({ connectionString: postgres.url })
    client.on('error', () => {}) // its connection ends
    await client.connect()
    const ended = new Promise<void>((resolve) => client.on('end', resolve))
    await client.query('CREATE TABLE a (n int)')
    await client.query('INSERT INTO a VALUES (1)')
    await client.query('BEGIN')
    await client.query('INSERT INTO a VALUES (2)')
    await postgres.kill()
    await ended
    await expect(withPostgres(postgres.url, (again) => again.query('SELECT'))).rejects.toThrow('ECONNREFUSED')
    await postgres.restart()
    const { rows } = await withPostgres(postgres.url, (again) => again.query('SELECT n FROM a'))
    expect(rows).toEqual([{ n: 1 }])
  })

  test('PgBouncer: clients share one connection to it, transaction by transaction', async ({ skip }) => {
    const postgres = await startPostgres()
    if (!postgres) return skip(NO_POSTGRES_PROGRAMS)
    onTestFinished(() => postgres.stop())
    const pgbouncer = await startPgbouncer({ postgres, config: { default_pool_size: '1' } })
    if (!pgbouncer) return skip(NO_PGBOUNCER)
    onTestFinished(() => pgbouncer.stop())
    const backend = async (client: Client) =>
      (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid
    await withPostgres(pgbouncer.url, (one) =>
      withPostgres(pgbouncer.url, async (other) => {
        await one.query('BEGIN')
        const first = await backend(one)
        const second = backend(other)
        await one.query('COMMIT')
        expect(await second).toEqual(first)
        expect(await backend(one)).toEqual(first)
      }),
    )
  })
})

test('private servers end when their owner is killed', async ({ skip }) => {
  const folder = await mkdtemp(join(tmpdir(), 'dueque-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755) // PostgreSQL may be another user
  const owner = fileURLToPath(new URL('../support/services-owner.ts', import.meta.url))
  const program = spawn(process.execPath, ['--import', 'tsx', owner], {
    env: { ...process.env, TMPDIR: folder, DUEQUE_NO_SYNC: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void program.kill('SIGKILL'))
  let urls: (string | null)[] = []
  for await (const line of createInterface({ input: program.stdout })) {
    urls = JSON.parse(line) as typeof urls
    break
  }
  const [redis, postgres] = urls
  if (!redis || !postgres) return skip(`${NO_REDIS_PROGRAMS}, or ${NO_POSTGRES_PROGRAMS}`)
  expect(await takesClients(redis)).toBe(true)
  expect(await takesClients(postgres)).toBe(true)
  program.kill('SIGKILL')
  const left = async () => (await readdir(folder)).filter((name) => name.startsWith('dueque-'))
  await poll(async () => (await left()).length === 0, { what: 'no folder', timeoutMs: 30_000 })
  expect(await takesClients(redis)).toBe(false)
  expect(await takesClients(postgres)).toBe(false)
})

function takesClients(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
