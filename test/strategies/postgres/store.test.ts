import { Pool } from 'pg'
import sqlTo, { type Sql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { silent, type Logger } from '../../../src/base/logger.js'
import type { PgPool, PostgresJs } from '../../../src/strategies/postgres/index.js'
import { postgresStore, type PostgresStore } from '../../../src/strategies/postgres/postgres-store.js'
import type { DuequeError } from '../../../src/index.js'
import { poll } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { FILTER_CASES } from '../filter-cases.js'
import { RETRIED_CASES } from '../retried-cases.js'
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

async function openStore(
  of: string,
  client: PgPool | PostgresJs = pool,
  logger: Logger = silent,
  onError: (error: DuequeError) => void = () => undefined,
) {
  const opened = postgresStore({ pool: client, schema: of })
  await opened.open({ logger, onError })
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
  for (const [title, run] of Object.entries({ ...STORE_CASES, ...FILTER_CASES, ...RETRIED_CASES })) {
    test(title, async () => {
      const again = () => openStore(schema, client())
      await run({ store: await again(), again })
    })
  }
})

test('texts and bytes of every kind are returned unchanged', async () => {
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

test('an unreadable row is left alone, and stops no relay', async () => {
  const told: DuequeError[] = []
  store = await openStore(schema, pool, silent, (error) => told.push(error))
  const fine = message({ id: 'm' })
  await store.add(fine, {})
  const meta = (more: object) => JSON.stringify({ format: 1, ...fine, body: undefined, ...more })
  await pool.query(
    `INSERT INTO ${schema}.messages (key, id, name, destination, due_at, ready_at, meta, body)
     SELECT key, 'm', 'n', 'queue:q', 1, ready_at, meta, '' FROM unnest($1::text[], $2::bigint[], $3::text[]) AS t (key, ready_at, meta)`,
    [
      ['later', 'junk', 'hole', 'other key', 'long ago', 'in ages'],
      [1, 1, 1, 1, '-9223372036854775808', '9223372036854775807'],
      [meta({ format: 99 }), 'junk', meta({ destination: null }), meta({}), meta({}), meta({})],
    ],
  )
  expect(await store.find('m')).toHaveLength(1)
  expect(await store.list({}, { limit: 1 })).toHaveLength(1)
  expect((await store.claim(request(1000))).claimed).toHaveLength(1)
  expect(told).toMatchObject([{ code: 'STORED_MESSAGE_UNREADABLE', data: { store: 'postgres', count: 1 } }])
  expect(store.faults()).toEqual({ unreadable: 6, missing: 0 })
  // Postponed, so that their leases do not expire repeatedly.
  const leased = `SELECT count(*)::integer AS n FROM ${schema}.messages WHERE lease IS NOT NULL`
  await poll(async () => (await pool.query<{ n: number }>(leased)).rows[0]!.n === 1, { what: 'them to be given back' })
  expect((await store.claim(request(1000))).claimed).toEqual([])
  expect(await rows()).toBe(7)
  const instead = await store.add(message({ id: 'm' }), { onConflict: 'ignore' }).catch((error: unknown) => error)
  expect(instead).toMatchObject({ code: 'STORED_MESSAGE_UNREADABLE', outcome: 'refused' })
  const error = await store.add(message({ id: 'm' }), { onConflict: 'error' }).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'CONFLICT' })
})

test.each(['{}', null])('a definition whose revision is none is reported, and replaced (%s)', async (text) => {
  const told: DuequeError[] = []
  const { definitions } = await openStore(schema, pool, silent, (error) => told.push(error))
  await pool.query(
    `INSERT INTO ${schema}.definitions VALUES ('x', 9007199254740993, $1), ('y', 9007199254740992, '{}')`,
    [text],
  )
  expect(await Promise.all(['x', 'y'].map((id) => definitions.get(id)))).toEqual([undefined, undefined])
  expect(told).toMatchObject([{ code: 'STORED_MESSAGE_UNREADABLE', data: { store: 'postgres' } }])
  const record = { id: 'x', revision: 7, definition: '{}' }
  expect(await definitions.write(record)).toBeUndefined()
  expect(await definitions.get('x')).toEqual(record)
  // The greatest one of all is one.
  const greatest = { ...record, revision: Number.MAX_SAFE_INTEGER }
  expect(await definitions.write(greatest)).toEqual(record)
  expect(await definitions.write(record)).toEqual(greatest)
})

test('claimed rows that vanish are reported, and those whose lease had expired are not', async () => {
  const told: DuequeError[] = []
  store = await openStore(schema, pool, silent, (error) => told.push(error))
  for (const id of ['a', 'b', 'c']) await store.add(message({ id }), {})
  const { claimed } = await store.claim(request(1000))
  await pool.query(`DELETE FROM ${schema}.messages WHERE id <> 'c'`)
  await store.postpone(claimed.slice(0, 1), 2000)
  await store.settle(claimed.slice(1))
  expect(store.faults()).toEqual({ unreadable: 0, missing: 2 })
  expect(told).toMatchObject([{ code: 'STORED_MESSAGE_MISSING', data: { store: 'postgres', count: 1 } }])
  await store.add(message({ id: 'd' }), {})
  const short = await store.claim({ now: 1000, limit: 1, leaseMs: 1 })
  await pool.query(`DELETE FROM ${schema}.messages`)
  await store.settle(short.claimed)
  expect(store.faults().missing).toBe(2)
})

test('a row whose lease ends while its settlement waits for a connection is not reported', async () => {
  const small = new Pool({ connectionString: database.url, max: 2 })
  onTestFinished(() => small.end())
  const [slow, other] = [await openStore(schema, small), store]
  await slow.add(message(), {})
  const { claimed } = await slow.claim({ now: 1000, limit: 1, leaseMs: 500 })
  const connections = await Promise.all([small.connect(), small.connect()])
  const settled = slow.settle(claimed)
  const taken = async () => (await other.claim(request(1000))).claimed
  await other.settle(
    await poll(async () => ((one) => one.length > 0 && one)(await taken()), { what: 'the lease to end' }),
  )
  for (const connection of connections) connection.release()
  await settled
  expect(slow.faults().missing).toBe(0)
})

/** Possible settings of a database, a role or a client. */
const ODD = {
  bytea_output: 'escape',
  DateStyle: 'German',
  TimeZone: 'Asia/Kathmandu',
  IntervalStyle: 'sql_standard',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  search_path: '',
}
const ODD_CASES = [
  'returns messages as they were added, to the byte',
  'claims ready messages, the earliest first, and tells when the next one is ready',
  'a postponed message waits until its new time, and is listed there',
  'finds, counts and pages messages by name and destination among others',
]

describe.each([
  {
    name: 'pg that parses by itself',
    open: () => {
      const options = Object.entries(ODD).map(([key, value]) => `-c ${key}=${value}`)
      const parsed = (value: string) => ({ parsed: value })
      // 25 is text.
      const getTypeParser = (oid: number) => (oid === 25 ? (value: string) => value : parsed)
      return new Pool({
        connectionString: database.url,
        options: options.join(' '),
        types: { getTypeParser: getTypeParser as never },
      })
    },
  },
  {
    name: 'postgres.js that parses and translates by itself',
    open: () => {
      const value = { from: (one: unknown) => (one === null ? undefined : one) }
      const type = { to: 17, from: [16, 17, 20, 23], serialize: String, parse: (text: string) => ({ parsed: text }) }
      const transform = { ...sqlTo.pascal, value }
      return sqlTo(database.url, { transform, connection: ODD, types: { odd: type }, onnotice: () => undefined })
    },
  },
])('over $name, on a server with other settings', ({ open }) => {
  let client: ReturnType<typeof open>
  beforeAll(() => {
    client = open()
  })
  afterAll(() => client.end())

  for (const title of ODD_CASES) {
    test(title, async () => {
      const again = () => openStore(schema, client as PostgresJs)
      await STORE_CASES[title]!({ store: await again(), again })
    })
  }
})

test('a client that changes texts is refused, with the reason', async () => {
  const loud = sqlTo(database.url, { transform: { value: { from: (value) => String(value).toUpperCase() } } })
  onTestFinished(() => loud.end())
  const error = await openStore(schema, loud).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'STORE_NOT_READY' })
  expect((error as Error).message).toContain('the client changes what it sends or reads')
})

test('a row that PostgreSQL refuses does not fail the other rows of its batch', async () => {
  await pool.query(`ALTER TABLE ${schema}.messages ADD CHECK (id <> 'bad')`)
  const ids = ['a', 'b', 'bad', 'c']
  const outcomes = await Promise.allSettled(ids.map((id) => store.add(message({ id }), {})))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  const reason = (outcomes[2] as PromiseRejectedResult).reason as unknown
  expect(reason).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
  // The error of the server shows the row.
  expect(JSON.stringify(reason)).not.toContain('1000')
  expect(await store.count({})).toBe(3)
})

test('a claim skips locked rows, and does not wait for them', async () => {
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
