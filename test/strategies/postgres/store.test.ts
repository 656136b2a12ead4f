import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { Pool } from 'pg'
import type { DelayedMessage } from '../../../src/envelope.js'
import { silent, type Logger } from '../../../src/logger.js'
import { postgresStore, type PostgresStore } from '../../../src/strategies/postgres/postgres-store.js'
import { positionOf } from '../../../src/strategies/waitlist.js'
import { poll } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { uniqueSchema } from './store.js'

const database = usePostgres()
let pool: Pool
let store: PostgresStore

beforeAll(() => {
  pool = new Pool({ connectionString: database.url })
})
beforeEach(async () => {
  store = await openStore()
})
afterAll(() => pool.end())

const schemas = new WeakMap<PostgresStore, string>()

async function openStore(schema = uniqueSchema(), logger: Logger = silent): Promise<PostgresStore> {
  const opened = postgresStore({ pool, schema })
  await opened.open({ logger, onError: () => undefined })
  schemas.set(opened, schema)
  onTestFinished(() => opened.close())
  return opened
}

let revision = 1_700_000_000_000_000

function message(by: Partial<DelayedMessage> = {}): DelayedMessage {
  const plain = { id: 'm', name: 'n', version: 1, body: Buffer.from('{}'), destination: { queue: 'q' }, headers: {} }
  const times = { dueAt: 1000, scheduledAt: 0, expiresAt: undefined, revision: revision++, attempt: 1 }
  return { ...plain, ...times, priority: undefined, correlationId: undefined, dedupeKey: undefined, ...by }
}

const request = (now: number, by = {}) => ({ now, limit: 100, leaseMs: 60_000, ...by })
/** Another lease would have another one. */
const stale = 'b3a3e1a0-0000-4000-8000-000000000000'

test('what was added is claimed when it is due, the earliest first, and gone when it is settled', async () => {
  for (const dueAt of [3000, 1000, 2000, 9000]) await store.add(message({ dueAt }), {})
  expect(await store.claim(request(500))).toEqual({ claimed: [], nextAt: 1000 })
  const { claimed, nextAt } = await store.claim(request(3000))
  expect(claimed.map((one) => one.message.dueAt)).toEqual([1000, 2000, 3000])
  // Whole claims alone know of leases, and this one was not.
  expect(nextAt).toBe(9000)
  expect(await store.count({})).toBe(1)
  expect((await store.claim(request(3000))).claimed).toEqual([])
  await store.settle(claimed)
  expect((await store.claim(request(20_000))).claimed.map((one) => one.message.dueAt)).toEqual([9000])
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

test('what is claimed is on its way: it is not found, not cancelled, not in conflict', async () => {
  const one = message()
  await store.add(one, {})
  await store.claim(request(1000))
  expect(await store.find('m')).toEqual([])
  expect(await store.remove(one)).toBe(false)
  expect(await store.replace(one, { ...one, dueAt: 5 })).toBe(false)
  expect(await store.list({}, { limit: 10 })).toEqual([])
  await store.add(message(), { onConflict: 'error' })
  expect(await store.count({})).toBe(1)
})

test('a lease that is over is claimed again, and only then, and only the new one can settle', async () => {
  await store.add(message(), {})
  const leased = await store.claim(request(1000, { leaseMs: 1000 }))
  const from = Date.now()
  let again: Awaited<ReturnType<PostgresStore['claim']>> | undefined
  const isThere = async () => {
    again = await (await openStoreBeside()).claim(request(1000, { leaseMs: 60_000 }))
    return again.claimed.length > 0
  }
  await poll(isThere, { timeoutMs: 20_000, what: 'the lease to be over' })
  expect(Date.now() - from).toBeGreaterThanOrEqual(1000 - 100)
  await store.settle(leased.claimed)
  await store.release(leased.claimed, 0)
  expect(await rows()).toBe(1)
  await store.settle(again!.claimed)
  expect(await rows()).toBe(0)
})

test('the store that claimed says when the lease is over', async () => {
  await store.add(message(), {})
  const now = Date.now()
  await store.claim(request(now, { leaseMs: 2000 }))
  const whole = await (await openStoreBeside()).claim(request(now))
  expect(whole.claimed).toEqual([])
  expect(whole.nextAt).toBeGreaterThan(now + 1000)
  expect(whole.nextAt).toBeLessThan(now + 4000)
})

test('what is added while it is claimed waits again, and the old claim cannot settle it', async () => {
  const one = message()
  await store.add(one, {})
  const { claimed } = await store.claim(request(1000))
  const later = { ...one, retryAt: 5000 }
  await store.add(later, {})
  await store.settle(claimed)
  await store.release(claimed, 0)
  expect(await store.find('m')).toMatchObject([{ retryAt: 5000 }])
  expect((await store.claim(request(4999))).claimed).toEqual([])
  expect((await store.claim(request(5000))).claimed).toHaveLength(1)
})

test('what waits is not changed by another addition of the same', async () => {
  const one = message()
  await store.add(one, {})
  await Promise.all([store.add({ ...one, dueAt: 7000 }, {}), store.add({ ...one, dueAt: 8000 }, {})])
  await store.add({ ...one, dueAt: 9000 }, { onConflict: 'error' })
  expect(await store.find('m')).toMatchObject([{ dueAt: 1000 }])
})

test('what is released waits until then, in its place of the list, and can be cancelled', async () => {
  const [first, second] = [message({ dueAt: 1000 }), message({ dueAt: 2000, id: 'second' })]
  await store.add(first, {})
  await store.add(second, {})
  const { claimed } = await store.claim(request(1000))
  await store.release(
    claimed.map(({ message: one }) => ({ message: one, lease: stale })),
    0,
  )
  expect(await store.count({})).toBe(1)
  await store.release(claimed, 5000)
  expect(await store.list({}, { limit: 10 })).toMatchObject([{ dueAt: 1000 }, { dueAt: 2000 }])
  expect(await store.list({}, { limit: 10, after: positionOf(first) })).toMatchObject([{ id: 'second' }])
  expect((await store.claim(request(4999))).claimed.map((one) => one.message.id)).toEqual(['second'])
  const again = await store.claim(request(15_000))
  expect(again.claimed.map((one) => one.message.id)).toEqual(['m'])
  await store.release(again.claimed, 20_000)
  expect(await store.remove(first)).toBe(true)
})

test('two who claim at once share what is due', async () => {
  const beside = await openStoreBeside()
  await Promise.all(Array.from({ length: 1000 }, (_, n) => store.add(message({ id: `${n}`, dueAt: 1000 + n }), {})))
  const ids: string[] = []
  for (let round = 0; round < 10; round++) {
    const both = await Promise.all([store, beside].map((each) => each.claim(request(5000, { limit: 60 }))))
    for (const { claimed } of both) ids.push(...claimed.map((one) => one.message.id))
  }
  expect(ids).toHaveLength(1000)
  expect(new Set(ids).size).toBe(1000)
})

test('a row that dueque cannot read is left alone, and stops nobody', async () => {
  const schema = uniqueSchema()
  const said: unknown[] = []
  store = await openStore(schema, { ...silent, error: (_, data) => said.push(data?.['error']) })
  await store.add(message(), {})
  const insert = `INSERT INTO ${schema}.messages (key, id, name, destination, due_at, ready_at, meta, body)`
  await pool.query(`${insert} VALUES ('foreign', 'm', 'n', 'queue:q', 1, 1, '{"format":99}', '')`)
  await pool.query(`${insert} VALUES ('junk', 'm', 'n', 'queue:q', 1, 1, 'junk', '')`)
  expect(await store.find('m')).toHaveLength(1)
  expect((await store.claim(request(1000))).claimed).toHaveLength(1)
  expect(said.filter((error) => String(error).includes('99'))).toHaveLength(2)
  expect(await rows()).toBe(3)
})

test('one row that PostgreSQL refuses does not take along those that it was written with', async () => {
  const schema = uniqueSchema()
  store = await openStore(schema)
  await pool.query(`ALTER TABLE ${schema}.messages ADD CHECK (id <> 'bad')`)
  const ids = ['a', 'b', 'bad', 'c']
  const outcomes = await Promise.allSettled(ids.map((id) => store.add(message({ id }), {})))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  const reason: unknown = (outcomes[2] as PromiseRejectedResult).reason
  expect(reason).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
  // The server's own error shows the row.
  expect(JSON.stringify(reason)).not.toContain('1000')
  expect(await store.count({})).toBe(3)
})

/** Another process, as it were. */
function openStoreBeside(): Promise<PostgresStore> {
  return openStore(schemas.get(store))
}

async function rows(): Promise<number> {
  const { rows: found } = await pool.query<{ count: string }>(`SELECT count(*) FROM ${schemas.get(store)!}.messages`)
  return Number(found[0]!.count)
}
