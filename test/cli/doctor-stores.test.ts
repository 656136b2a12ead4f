import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { migratePostgres } from '../../src/strategies/postgres/index.js'
import { poolOf, uniqueSchema } from '../strategies/postgres/store.js'
import { useVhost } from '../support/broker.js'
import { NO_PGBOUNCER, newUser, startPgbouncer, usePostgres } from '../support/postgres.js'
import { NO_REDIS_PROGRAMS, startRedis } from '../support/redis.js'
import { documents, run } from './dueque.js'

const vhost = useVhost()
const database = usePostgres()

interface Found {
  area: string
  severity: string
  code: string
  what: string
  todo: string
}

/** The findings about a store. */
async function doctor(...args: string[]): Promise<{ code: number | null; found: Found[]; told: string[] }> {
  const { code, stdout } = await run(['doctor', '--json', '--no-management', '--no-round-trip', ...args], {
    AMQP_URL: vhost.url,
  })
  const [report] = documents(stdout) as unknown as [{ findings: Found[] }]
  const found = report.findings.filter(({ area }) => area === 'store')
  return { code, found, told: found.map(({ severity, code: of }) => `${severity} ${of}`) }
}

const postgresDoctor = (url: string, schema: string) => doctor('--postgres', url, '--postgres-schema', schema)

test('reports the persistence of a durable Redis, and the possible loss of one that is not durable', async ({
  skip,
}) => {
  const server = (await startRedis({ appendonly: true })) ?? skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => server.stop())
  const good = await doctor('--redis', server.url)
  expect(good.told).toEqual(['ok redis-version', 'ok redis-eviction', 'ok redis-persistence'])
  expect(good.found[2]!.what).toBe('appendonly is yes, appendfsync is always: a crash loses nothing that was confirmed')
  const admin = new Redis(server.url)
  onTestFinished(() => admin.disconnect())
  await admin.config('SET', 'appendonly', 'no')
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
  const bad = await doctor('--redis', server.url)
  expect(bad.code).toBe(6)
  expect(bad.told).toEqual(['ok redis-version', 'error redis-eviction', 'warning redis-persistence'])
  expect(bad.found[1]!.todo).toContain('CONFIG SET maxmemory-policy noeviction')
  await admin.hset('{lost}:messages', 'lonely', 'x')
  const orphan = await doctor('--redis', server.url, '--redis-prefix', 'lost')
  expect(orphan.told.slice(3)).toEqual(['warning redis-orphans'])
  await admin.hset('{lost}:messages', 'junk', '12345678junk')
  await admin.zadd('{lost}:waiting', 1, 'junk', 2, 'gone', 3, 'gone too')
  const missing = await doctor('--redis', server.url, '--redis-prefix', 'lost')
  expect(missing.told.slice(3)).toEqual(['error redis-missing', 'warning redis-unreadable'])
  expect(missing.found[3]!.what).toMatch(/^1 entry of /)
})

test('reports settings that the Redis user may not read, and an unreachable Redis without its password', async ({
  skip,
}) => {
  const server = (await startRedis()) ?? skip(NO_REDIS_PROGRAMS)
  const admin = new Redis(server.url)
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret-word', '~*', '+@all', '-info', '-config')
  admin.disconnect()
  const url = new URL(server.url)
  url.username = 'app'
  url.password = 'secret-word'
  const unseen = await doctor('--redis', url.href)
  expect(unseen.told).toEqual([
    'note redis-version-unseen',
    'note redis-memory-unseen',
    'note redis-persistence-unseen',
  ])
  await server.stop()
  const away = await doctor('--redis', url.href)
  expect(away.told).toEqual(['error redis-away'])
  expect(away.code).toBe(6)
  expect(JSON.stringify(away)).not.toContain('secret-word')
})

test('names the command to run if PostgreSQL lacks the schema, and reports no problem once it exists', async () => {
  const schema = uniqueSchema()
  const without = await postgresDoctor(database.url, schema)
  expect(without.code).toBe(6)
  const missing = without.found.find(({ code }) => code === 'postgres-schema')!
  expect(missing).toMatchObject({ severity: 'error', what: `there is no schema ${schema} of dueque` })
  expect(missing.todo).toContain('dueque postgres migrate')
  await migratePostgres({ pool: poolOf(database.url), schema })
  const { told, found } = await postgresDoctor(database.url, schema)
  // The shared server may run without it.
  expect(told.filter((line) => !line.endsWith('postgres-durability'))).toEqual([
    'ok postgres-version',
    'ok postgres-schema',
    'ok postgres-rights',
    'ok postgres-table-vacuum',
    'ok postgres-listen',
    'ok postgres-clock',
    'ok postgres-overdue',
  ])
  expect(found.find(({ code }) => code === 'postgres-listen')!.what).toMatch(/^notifications arrive, in \d+ ms$/)
})

test('reports overdue, released and unreadable messages, and changed settings of the table', async () => {
  const [pool, schema] = [poolOf(database.url), uniqueSchema()]
  await migratePostgres({ pool, schema })
  const insert = `INSERT INTO ${schema}.messages (key, id, name, destination, due_at, ready_at, held_until, meta, body)`
  const before = Date.now() - 60_000
  await pool.query(`${insert} VALUES ('a', 'a', 'n', 'queue:q', ${before}, ${before}, NULL, '{}', '')`)
  await pool.query(`${insert} VALUES ('b', 'b', 'n', 'queue:q', ${before}, ${before}, ${Date.now() + 5000}, '{}', '')`)
  await pool.query(`ALTER TABLE ${schema}.messages SET (autovacuum_enabled = false)`)
  const { found, code } = await postgresDoctor(database.url, schema)
  const say = (of: string) => found.find((one) => one.code === of)
  expect(say('postgres-overdue')).toMatchObject({ severity: 'warning' })
  expect(say('postgres-overdue')!.what).toMatch(/^a message is overdue for 6\d s/)
  expect(say('postgres-released')).toMatchObject({ severity: 'warning' })
  expect(say('postgres-unreadable')).toMatchObject({ severity: 'warning' })
  expect(say('postgres-unreadable')!.what).toMatch(/^2 rows \("a", "b"\) are no messages/)
  expect(say('postgres-table-vacuum')).toMatchObject({ severity: 'error' })
  expect(code).toBe(6)
  // The suggested command repairs it.
  await pool.query(say('postgres-table-vacuum')!.todo)
  const again = await postgresDoctor(database.url, schema)
  expect(again.told).toContain('ok postgres-table-vacuum')
})

test('names the rights that a PostgreSQL user lacks, and how to grant them', async () => {
  const [admin, schema] = [poolOf(database.url), uniqueSchema()]
  await migratePostgres({ pool: admin, schema })
  const { user, url } = await newUser(database.url, admin)
  const { found, told } = await postgresDoctor(url, schema)
  expect(told).toContain('error postgres-schema')
  const lacking = found.filter(({ code }) => code.startsWith('postgres-rights'))
  expect(lacking.map(({ severity, what }) => `${severity}: ${what}`)).toEqual([
    `error: user ${user} lacks USAGE on SCHEMA ${schema}`,
    `error: user ${user} lacks SELECT on "${schema}".migrations`,
    `error: user ${user} lacks DELETE, INSERT, SELECT, UPDATE on "${schema}".messages`,
    `note: user ${user} lacks DELETE, INSERT, SELECT, UPDATE on "${schema}".definitions, which recurring messages need`,
    `note: user ${user} lacks DELETE, INSERT, SELECT, UPDATE on "${schema}".dedupe, which postgresDedupe needs`,
  ])
  for (const { todo } of lacking) await admin.query(todo)
  const again = await postgresDoctor(url, schema)
  expect(again.told).toEqual(expect.arrayContaining(['ok postgres-schema', 'ok postgres-rights']) as string[])
})

test('detects PgBouncer, and reports an unreachable server', async ({ skip }) => {
  const pgbouncer = (await startPgbouncer({ postgres: { url: database.url } })) ?? skip(NO_PGBOUNCER)
  const [pool, schema] = [poolOf(database.url), uniqueSchema()]
  await migratePostgres({ pool, schema })
  const { told } = await postgresDoctor(pgbouncer.url, schema)
  expect(told).toContain('warning postgres-listen')
  expect(told).toContain('ok postgres-rights')
  await pgbouncer.stop()
  const away = await postgresDoctor(pgbouncer.url, schema)
  expect(away.told).toEqual(['error postgres-away'])
})

test('an invalid URL is wrong usage', async () => {
  const { code, stderr } = await run(['doctor', '--json', '--no-management', '--postgres', 'secret-word@host'], {
    AMQP_URL: vhost.url,
  })
  expect(code).toBe(2)
  expect(stderr).not.toContain('secret-word')
})
