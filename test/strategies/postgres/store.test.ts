import { Pool } from 'pg'
import sqlTo, { type Sql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { silent, type Logger } from '../../../src/logger.js'
import type { PgPool, PostgresJs } from '../../../src/strategies/postgres/index.js'
import { postgresStore, type PostgresStore } from '../../../src/strategies/postgres/postgres-store.js'
import { usePostgres } from '../../support/postgres.js'
import { STORE_CASES, message } from '../store-cases.js'
import { uniqueSchema } from './store.js'

const database = usePostgres()
let pool: Pool
let sql: Sql
let store: PostgresStore
let schema: string

beforeAll(() => {
  pool = new Pool({ connectionString: database.url })
  sql = sqlTo(database.url, { onnotice: () => undefined })
})
afterAll(async () => {
  await pool.end()
  await sql.end()
})

async function openStore(of: string, client: PgPool | PostgresJs = pool, logger: Logger = silent) {
  const opened = postgresStore({ pool: client, schema: of })
  await opened.open({ logger, onError: () => undefined })
  onTestFinished(() => opened.close())
  return opened
}

beforeEach(async () => {
  schema = uniqueSchema()
  store = await openStore(schema)
})

async function rows(): Promise<number> {
  const { rows: found } = await pool.query<{ count: string }>(`SELECT count(*) FROM ${schema}.messages`)
  return Number(found[0]!.count)
}

const request = (now: number) => ({ now, limit: 100, leaseMs: 60_000 })

describe.each([
  { name: 'Pool of pg', client: () => pool },
  { name: 'postgres.js', client: () => sql },
])('over $name', ({ client }) => {
  for (const [title, run] of Object.entries(STORE_CASES)) {
    test(title, async () => {
      const again = () => openStore(schema, client())
      await run({ store: await again(), again })
    })
  }
})

test('texts and bytes of every kind come back as they were', async () => {
  const id = '\0 " \\ {} NULL \ud800 é 日 😀 \n \u2028'
  const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const headers = { a: '\0', '\0"\\': [id, null, -0.5, { b: '{"x"}' }] }
  const odd = message({ id, name: id, body, headers, correlationId: id, destination: { exchange: id, routingKey: id } })
  await store.add(odd, {})
  const [found] = await store.find(id)
  expect({ ...found, body: Buffer.from(found!.body) }).toEqual({ ...found, ...odd, body })
  expect(await store.count({ name: id, destination: { exchange: id, routingKey: id } })).toBe(1)
  const [listed] = await store.list({ name: id }, { limit: 1 })
  expect(listed).toEqual(found)
  expect(await store.list({ name: id }, { limit: 1, after: { readyAt: 1000, key: '[' } })).toEqual([found])
  const by = { ...odd, dueAt: 2000 }
  expect(await store.replace(odd, by)).toBe(true)
  expect(await store.replace(odd, by)).toBe(false)
  expect(await store.remove(by)).toBe(true)
  expect(await store.find(id)).toEqual([])
})

test('a body of 16 MiB is kept', async () => {
  const body = Buffer.alloc(16 * 1024 * 1024, 'dueque')
  await store.add(message({ id: 'large', body }), {})
  const [found] = await store.find('large')
  expect(Buffer.compare(found!.body, body)).toBe(0)
  await store.remove(found!)
})

test('a row that dueque cannot read is left alone, and stops nobody', async () => {
  const said: unknown[] = []
  store = await openStore(schema, pool, { ...silent, error: (_, data) => said.push(data?.['error']) })
  await store.add(message({ id: 'm' }), {})
  const insert = `INSERT INTO ${schema}.messages (key, id, name, destination, due_at, ready_at, meta, body)`
  await pool.query(`${insert} VALUES ('foreign', 'm', 'n', 'queue:q', 1, 1, '{"format":99}', '')`)
  await pool.query(`${insert} VALUES ('junk', 'm', 'n', 'queue:q', 1, 1, 'junk', '')`)
  expect(await store.find('m')).toHaveLength(1)
  expect((await store.claim(request(1000))).claimed).toHaveLength(1)
  expect(said.filter((error) => String(error).includes('99'))).toHaveLength(2)
  expect(await rows()).toBe(3)
})

test('one row that PostgreSQL refuses does not take along those that it was written with', async () => {
  await pool.query(`ALTER TABLE ${schema}.messages ADD CHECK (id <> 'bad')`)
  const ids = ['a', 'b', 'bad', 'c']
  const outcomes = await Promise.allSettled(ids.map((id) => store.add(message({ id }), {})))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  const reason = (outcomes[2] as PromiseRejectedResult).reason as unknown
  expect(reason).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
  // The server's own error shows the row.
  expect(JSON.stringify(reason)).not.toContain('1000')
  expect(await store.count({})).toBe(3)
})

test('a claim goes round what somebody else has locked, and does not wait for it', async () => {
  const [locked, free] = [message({ dueAt: 900 }), message({ dueAt: 1000 })]
  for (const one of [locked, free]) await store.add(one, {})
  const client = await pool.connect()
  await client.query('BEGIN')
  await client.query(`SELECT FROM ${schema}.messages WHERE id = $1 FOR UPDATE`, [locked.id])
  const claims = Promise.race([
    store.claim(request(1000)).then(({ claimed }) => claimed.map((one) => one.message.id)),
    new Promise((resolve) => setTimeout(resolve, 5000, 'waits')),
  ])
  expect(await claims.finally(() => client.query('ROLLBACK').finally(() => client.release()))).toEqual([free.id])
  expect((await store.claim(request(1000))).claimed.map((one) => one.message.id)).toEqual([locked.id])
})
