import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silent } from '../../../src/base/logger.js'
import { migratePostgres } from '../../../src/strategies/postgres/index.js'
import { postgresStore, type PostgresStore } from '../../../src/strategies/postgres/postgres-store.js'
import { useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { message } from '../store-cases.js'
import { connectPostgres, uniqueSchema } from './store.js'
import { Sent } from './sent.js'

const vhost = useVhost()
const database = usePostgres()
const schema = uniqueSchema()
const COUNT = 1_000_000
const HOUR_MS = 3_600_000
const now = Date.now()
/** The first is due then, and one more every 10 ms: 2.8 hours long. */
const first = now + HOUR_MS

const MANY = `
  INSERT INTO ${schema}.messages (key, id, name, destination, due_at, ready_at, meta, body)
  SELECT '[' || n || ',1,"queue:many","many-' || n || '"]', 'many-' || n, 'test.many', 'queue:many', $1::bigint + n * 10, $1::bigint + n * 10,
    json_build_object('format', 1, 'id', 'many-' || n, 'name', 'test.many', 'version', 1, 'revision', n, 'attempt', 1,
      'destination', json_build_object('queue', 'many'), 'dueAt', $1::bigint + n * 10, 'scheduledAt', 1,
      'headers', json_build_object())::text,
    convert_to('{"n":' || n || '}', 'UTF8')
  FROM generate_series(0, $2::integer - 1) AS n`

let pool: Pool
let store: PostgresStore
let sent: Sent

beforeAll(async () => {
  pool = new Pool({ connectionString: database.url })
  sent = new Sent(pool, schema)
  await migratePostgres({ pool, schema })
  await pool.query(MANY, [first, COUNT])
  store = postgresStore({ pool, schema })
  await store.open({ logger: silent, onError: () => undefined })
})
afterAll(async () => {
  await store?.close()
  await pool?.end()
})

const claim = (at: number, limit = 500) => store.claim({ now: at, limit, leaseMs: 60_000 })
const some = (from: number, to: number) => ({ from: first + from, to: first + to })

test.for([
  { when: 'before the table was analyzed', analyze: false },
  { when: 'after it was analyzed', analyze: true },
])('no query of a relay or an operator reads all of a million rows, $when', async ({ analyze }) => {
  if (analyze) await pool.query(`VACUUM ANALYZE ${schema}.messages`)
  // The previous case had a later time: one claim detects that, and the next one reads everything.
  for (let i = 0; i < 2; i++) await claim(now)
  await sent.during(async () => {
    expect((await claim(now)).nextAt).toBeGreaterThanOrEqual(first)
    const { claimed } = await claim(first + 100_000)
    expect(claimed).toHaveLength(500)
    await store.postpone(claimed.slice(0, 250), first + 100_000)
    await store.settle(claimed.slice(250))
    expect(await store.count(some(100_000, 100_010))).toBe(251)
    await store.settle((await claim(first + 100_000)).claimed)
    expect(await store.count(some(5_000_000, 5_010_000))).toBe(1000)
    const page = await store.list({ from: first + 5_000_000 }, { limit: 100 })
    const last = page.at(-1)!
    expect(page).toHaveLength(100)
    expect(await store.list({}, { limit: 100, after: { readyAt: last.dueAt, key: 'many' } })).toHaveLength(100)
    const one = message({ dueAt: first + 1 })
    await store.add(one, {})
    await store.add(one, { onConflict: 'ignore' })
    expect(await store.find(one.id)).toHaveLength(1)
    expect(await store.replace(one, { ...one, dueAt: first + 2 })).toBe(true)
    expect(await store.remove({ ...one, dueAt: first + 2 })).toBe(true)
  })
  const plans = await sent.plans()
  const seen = new Set(plans.map(({ statement }) => statement))
  expect([...seen].sort()).toEqual([
    'claim',
    'claimAll',
    'count',
    'find',
    'insert',
    'list',
    'lockId',
    'release',
    'remove',
    'replace',
    'settle',
  ])
  for (const { statement, scans, pages } of plans) {
    expect(scans, statement).not.toContain('Seq Scan on messages')
    // A row touches about five pages of table and indexes. The whole table has more than 40,000.
    expect(pages, `pages of ${statement}`).toBeLessThan(10_000)
  }
})

test('a relay with a million messages that are not due queries no more often than its backstop', async () => {
  await connectPostgres(vhost.url, { pool, schema, relay: { backstopMs: 1000 } })
  const before = sent.count
  const from = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  const rounds = Math.ceil((performance.now() - from) / 1000)
  // At its start the relay tests whether notifications arrive, and then claims once more.
  expect(sent.count - before).toBeLessThanOrEqual(rounds + 2)
  expect(sent.count - before).toBeGreaterThan(rounds / 2)
})
