import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Pool } from 'pg'
import sqlTo from 'postgres'
import { expect, onTestFinished, test } from 'vitest'
import { compiled } from '../../../scripts/compiled.js'
import { connect, isDuequeError } from '../../../src/index.js'
import { migratePostgres, postgres } from '../../../src/strategies/postgres/index.js'
import { MIGRATIONS } from '../../../src/strategies/postgres/migrations.js'
import { inSchema, statementsFor } from '../../../src/strategies/postgres/statements.js'
import { useVhost } from '../../support/broker.js'
import { newUser, usePostgres } from '../../support/postgres.js'
import { openWorld } from '../amqp-world.js'
import { Recorder, note, unique } from '../recorder.js'
import { connectPostgres, poolOf, uniqueSchema } from './store.js'

const vhost = useVhost()
const database = usePostgres()
const newest = MIGRATIONS.length

/** The schema after `version` migrations. */
async function oldSchema(pool: Pool, schema: string, version: number): Promise<void> {
  const statements = statementsFor(schema)
  await pool.query(statements.createSchema)
  await pool.query(statements.createMigrations)
  for (const [index, statement] of MIGRATIONS.slice(0, version).entries()) {
    await pool.query(inSchema(statement, schema))
    await pool.query(statements.addMigration, [index + 1])
  }
}

async function refusal(options: Parameters<typeof postgres>[0]): Promise<unknown> {
  return connect({ url: vhost.url, strategy: postgres(options) }).then(
    (mq) => mq.close().then(() => 'connected'),
    (error: unknown) => error,
  )
}

test.for(Array.from({ length: newest + 1 }, (_, version) => version))(
  'migrates from version %i to the newest, and changes nothing the second time',
  async (version) => {
    const [pool, schema] = [poolOf(database.url), uniqueSchema()]
    if (version > 0) await oldSchema(pool, schema, version)
    expect(await migratePostgres({ pool, schema })).toEqual({ from: version, to: newest })
    expect(await migratePostgres({ pool, schema })).toEqual({ from: newest, to: newest })
    expect((await pool.query(`SELECT * FROM "${schema}".overview`)).rows).toEqual([])
  },
)

test('four processes migrate at once: one migrates, all succeed', async () => {
  const [pool, schema] = [poolOf(database.url), uniqueSchema()]
  const migrator = compiled(new URL('migrator.ts', import.meta.url))
  const migrated = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [migrator, database.url, schema])
      return JSON.parse(stdout) as { from: number }
    }),
  )
  expect(migrated.map(({ from }) => from).sort()).toEqual([0, newest, newest, newest].sort())
  const { rows } = await pool.query(`SELECT version FROM ${schema}.migrations ORDER BY version`)
  expect(rows).toEqual(MIGRATIONS.map((_, index) => ({ version: index + 1 })))
})

test('postgres.js migrates too, and schema names are quoted', async () => {
  const sql = sqlTo(database.url)
  onTestFinished(() => sql.end())
  const schema = `Dueque "of" ünïcödé ${uniqueSchema()}`
  expect(await migratePostgres({ pool: sql, schema })).toEqual({ from: 0, to: newest })
  const mq = await connectPostgres(vhost.url, { pool: sql, schema })
  const queue = unique('quoted')
  const recorder = await Recorder.on(mq, queue)
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 200 })
  await recorder.has(1)
})

test('without the schema and the right to migrate, connect names the command to run', async () => {
  const [pool, schema] = [poolOf(database.url), uniqueSchema()]
  const none = await refusal({ pool, schema, migrate: false })
  expect(isDuequeError(none, 'STORE_NOT_READY') && none.message).toMatch(/version 0 of \d+.*dueque postgres migrate/)
  await oldSchema(pool, schema, 2)
  const old = await refusal({ pool, schema, migrate: false })
  expect(isDuequeError(old, 'STORE_NOT_READY') && old.message).toMatch(/version 2 of \d+/)
  expect(await refusal({ pool, schema })).toBe('connected')
  expect(await refusal({ pool, schema, migrate: false })).toBe('connected')
})

test('a schema of a later version works', async () => {
  const [pool, schema] = [poolOf(database.url), uniqueSchema()]
  await migratePostgres({ pool, schema })
  await pool.query(`INSERT INTO ${schema}.migrations VALUES (${newest + 1})`)
  expect(await refusal({ pool, schema })).toBe('connected')
  expect(await migratePostgres({ pool, schema })).toEqual({ from: newest + 1, to: newest + 1 })
})

test('a user without rights gets an error, and with those of the guide it schedules and relays', async () => {
  const [admin, schema] = [poolOf(database.url), uniqueSchema()]
  const { user, url } = await newUser(database.url, admin)
  const pool = new Pool({ connectionString: url })
  onTestFinished(() => pool.end())
  const none = await refusal({ pool, schema })
  expect(isDuequeError(none, 'STORE_NOT_READY') && none.message).toMatch(/permission denied.*dueque postgres migrate/)
  await migratePostgres({ pool: admin, schema })
  const hidden = await refusal({ pool, schema })
  expect(isDuequeError(hidden, 'STORE_NOT_READY') && hidden.message).toMatch(/permission denied/)
  // As in docs/guides/postgres.md.
  await admin.query(`GRANT USAGE ON SCHEMA ${schema} TO ${user}`)
  await admin.query(`GRANT SELECT ON ${schema}.migrations, ${schema}.overview TO ${user}`)
  await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.messages TO ${user}`)
  const mq = await connectPostgres(vhost.url, { pool, schema })
  const queue = unique('restricted')
  await openWorld(vhost.url).declareQueue(queue)
  const recorder = await Recorder.on(mq, queue)
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 200, id: 'a', onConflict: 'replace' })
  await mq.schedule(note, { n: 2 }, { to: { queue }, in: '1h', id: 'b' })
  await recorder.has(1)
  expect(await mq.cancel('b')).toBe('cancelled')
})

test('a read-only server and one without UTF8 are each refused with the reason', async () => {
  const pool = poolOf(database.url)
  const reads = poolOf(database.url, { options: '-c default_transaction_read_only=on' })
  const readonly = await refusal({ pool: reads })
  expect(isDuequeError(readonly, 'STORE_NOT_READY') && readonly.message).toMatch(/only read/)
  const name = `dueque_ascii_${randomBytes(4).toString('hex')}`
  await pool.query(`CREATE DATABASE ${name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
  const url = new URL(database.url)
  url.pathname = `/${name}`
  const ascii = new Pool({ connectionString: url.href })
  const encoding = await refusal({ pool: ascii })
  await ascii.end()
  await pool.query(`DROP DATABASE ${name}`)
  expect(isDuequeError(encoding, 'STORE_NOT_READY') && encoding.message).toMatch(/UTF8/)
})

test('an unreachable server and an unknown user are reported without the password', async () => {
  const { url } = await newUser(database.url, poolOf(database.url))
  const wrong = new URL(url)
  wrong.pathname = '/no_such_database'
  const nobody = new URL(url)
  nobody.port = '1'
  for (const at of [wrong, nobody]) {
    const pool = poolOf(at.href, { connectionTimeoutMillis: 5000 })
    const error = await refusal({ pool })
    expect(isDuequeError(error, 'STORE_ERROR') && error.outcome).toBe('refused')
    const { message, cause } = error as Error
    expect(`${message} ${String((cause as Error).stack)} ${JSON.stringify(error)}`).not.toContain('secret-word')
  }
})
