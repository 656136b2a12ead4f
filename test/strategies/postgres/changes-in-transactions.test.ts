import type { PoolClient } from 'pg'
import sqlTo from 'postgres'
import { expect, onTestFinished, test } from 'vitest'
import { isDuequeError } from '../../../src/index.js'
import { useVhost } from '../../support/broker.js'
import { failure } from '../../support/mq.js'
import { usePostgres } from '../../support/postgres.js'
import { openWorld } from '../amqp-world.js'
import { Recorder, note, unique } from '../recorder.js'
import { connectPostgres, poolOf, uniqueSchema } from './store.js'

const vhost = useVhost()
const database = usePostgres()
const other = usePostgres()

async function open({ relay = false }: { relay?: false | { backstopMs: number } } = {}) {
  const pool = poolOf(database.url)
  const schema = uniqueSchema()
  const mq = await connectPostgres(vhost.url, { pool, schema, relay })
  const to = { queue: unique('changes') }
  await openWorld(vhost.url).declareQueue(to.queue)
  const begin = (isolation?: string) => beginOn(pool.connect(), isolation)
  return { pool, schema, mq, to, begin, count: () => mq.count() }
}

async function beginOn(taken: Promise<PoolClient>, isolation = 'READ COMMITTED'): Promise<PoolClient> {
  const client = await taken
  onTestFinished(() => client.release(true))
  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
  return client
}

/** That these calls have no answer yet. */
async function expectOpen(calls: readonly Promise<unknown>[]): Promise<void> {
  const pause = new Promise((resolve) => setTimeout(() => resolve('open'), 100))
  expect(await Promise.race([pause, ...calls])).toBe('open')
}

const REFUSED = { code: 'INVALID_OPTION', outcome: 'refused', data: { option: 'transaction' } }

test.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])(
  'in %s, a message is cancelled and rescheduled with the commit of a client of pg',
  async (isolation) => {
    const { mq, to, begin } = await open()
    const ids = [unique('a'), unique('b')] as const
    for (const id of ids) await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
    const transaction = await begin(isolation)
    expect(await mq.cancel(ids[0], { transaction })).toBe('cancelled')
    const moved = await mq.reschedule(ids[1], { in: '2h', transaction })
    expect(await mq.get(ids[0])).toBeDefined()
    expect((await mq.get(ids[1]))!.dueAt.toISOString()).not.toBe(moved!.dueAt)
    await transaction.query('COMMIT')
    expect(await mq.get(ids[0])).toBeUndefined()
    expect((await mq.get(ids[1]))!.dueAt.toISOString()).toBe(moved!.dueAt)
  },
)

test('a message is cancelled with the commit of postgres.js, and not after it', async () => {
  const { mq, to, count } = await open()
  const sql = sqlTo(database.url, { max: 1 })
  onTestFinished(() => sql.end())
  const id = unique('id')
  await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
  const back = sql.begin(async (transaction) => {
    expect(await mq.cancel(id, { transaction })).toBe('cancelled')
    throw new Error('back')
  })
  await expect(back).rejects.toThrow('back')
  expect(await count()).toBe(1)
  const over = await sql.begin(async (transaction) => {
    await mq.reschedule(id, { in: '2h', transaction })
    return { transaction }
  })
  for (const attempt of [
    () => mq.cancel(id, over),
    () => mq.reschedule(id, { in: 0, ...over }),
    () => mq.schedule(note, { n: 2 }, { to, in: '1h', ...over }),
    () => mq.schedule(note, { n: 2 }, { to, in: '1h', id, onConflict: 'replace', ...over }),
  ])
    expect(await failure(attempt())).toMatchObject({
      code: expect.stringMatching(/INVALID_OPTION|STORE_ERROR/) as string,
    })
  expect((await mq.list()).messages.map(({ payload }) => payload)).toEqual([{ n: 1 }])
})

test('while a relay claims a message, a cancellation waits for the answer, and does not lock the claimed message', async () => {
  const { mq, to, begin, pool, schema } = await open()
  const ids = [unique('a'), unique('b')] as const
  for (const id of ids) await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
  const claim = await begin()
  await claim.query(`UPDATE ${schema}.messages SET lease = gen_random_uuid(), held_until = ready_at`)
  const transaction = await begin()
  const calls = [mq.cancel(ids[0], { transaction }), mq.reschedule(ids[1], { in: '2h', transaction })]
  await expectOpen(calls)
  await claim.query('COMMIT')
  expect(await Promise.all(calls)).toEqual(['not-waiting', undefined])
  // As the relay settles it.
  await pool.query(`SELECT FROM ${schema}.messages FOR UPDATE NOWAIT`)
  await transaction.query('ROLLBACK')
})

test('a message that another transaction has cancelled is waited for', async () => {
  const { mq, to, begin, count } = await open()
  for (const end of ['ROLLBACK', 'COMMIT']) {
    const id = unique('id')
    await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
    const [first, second] = [await begin(), await begin()]
    expect(await mq.cancel(id, { transaction: first })).toBe('cancelled')
    const cancelled = mq.cancel(id, { transaction: second })
    await expectOpen([cancelled])
    await first.query(end)
    expect(await cancelled).toBe(end === 'COMMIT' ? 'not-waiting' : 'cancelled')
    await second.query('COMMIT')
  }
  expect(await count()).toBe(0)
})

test('two transactions that cancel the same messages in another order come to no deadlock, and stay healthy', async () => {
  const { mq, to, begin, count } = await open()
  const ids = [unique('a'), unique('b')] as const
  for (const id of ids) await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
  const [first, second] = [await begin(), await begin()]
  await mq.cancel(ids[0], { transaction: first })
  await mq.cancel(ids[1], { transaction: second })
  const startedAt = performance.now()
  const held = await Promise.all([
    failure(mq.cancel(ids[1], { transaction: first })),
    failure(mq.reschedule(ids[0], { in: '2h', transaction: second })),
  ])
  for (const error of held) {
    expect(isDuequeError(error, 'STORE_ERROR') && error.outcome).toBe('refused')
    expect((error as Error).message).toContain('changed or locked by others')
  }
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  await first.query('COMMIT')
  expect(await mq.cancel(ids[0], { transaction: second })).toBe('not-waiting')
  await second.query('COMMIT')
  expect(await count()).toBe(0)
})

test('a cancelled message stays where it is until the commit, also when it falls due; a rollback delivers it', async () => {
  const { mq, to, begin } = await open({ relay: { backstopMs: 200 } })
  const recorder = await Recorder.on(mq, to.queue)
  const receipts = []
  for (const n of [1, 2]) receipts.push(await mq.schedule(note, { n }, { to, in: 700 }))
  const [committed, rolledBack] = [await begin(), await begin()]
  expect(await mq.cancel(receipts[0]!, { transaction: committed })).toBe('cancelled')
  expect(await mq.cancel(receipts[1]!, { transaction: rolledBack })).toBe('cancelled')
  await mq.schedule(note, { n: 3 }, { to, in: 700 })
  await recorder.has(1)
  expect(recorder.numbers).toEqual([3])
  await rolledBack.query('ROLLBACK')
  await recorder.has(2)
  await committed.query('COMMIT')
  await mq.schedule(note, { n: 4 }, { to, in: 100 })
  await recorder.has(3)
  expect(recorder.numbers).toEqual([3, 2, 4])
})

test('the commit of a reschedule wakes the relay', async () => {
  const { mq, to, begin } = await open({ relay: { backstopMs: 60_000 } })
  const recorder = await Recorder.on(mq, to.queue)
  const { id } = await mq.schedule(note, { n: 1 }, { to, in: '1h' })
  const transaction = await begin()
  await mq.reschedule(id, { in: 0, transaction })
  await transaction.query('COMMIT')
  await recorder.has(1)
})

test('calls at once in one transaction run one after the other', async () => {
  const { mq, to, begin, count } = await open()
  const transaction = await begin()
  const options = { to, in: '1h', id: unique('id'), onConflict: 'error', transaction } as const
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, (_, n) => mq.schedule(note, { n }, options)))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', ...Array.from({ length: 4 }, () => 'rejected')])
  await Promise.all([mq.cancel(options.id, { transaction }), mq.schedule(note, { n: 9 }, options)])
  await transaction.query('COMMIT')
  expect((await mq.list()).messages.map(({ payload }) => payload)).toEqual([{ n: 9 }])
  expect(await count()).toBe(1)
})

test('in REPEATABLE READ, a message that was claimed since is not cancelled', async () => {
  const { mq, to, begin, pool, schema } = await open()
  const { id } = await mq.schedule(note, { n: 1 }, { to, in: '1h' })
  const transaction = await begin('REPEATABLE READ')
  await transaction.query('SELECT 1')
  await pool.query(`UPDATE ${schema}.messages SET lease = gen_random_uuid(), held_until = ready_at`)
  const error = await failure(mq.cancel(id, { transaction }))
  expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused', cause: { code: '40001' } })
})

test('a transaction on another database is refused, with a schema of the same name and without', async () => {
  const { mq, to, schema, count } = await open()
  const elsewhere = poolOf(other.url)
  for (const hasSchema of [false, true]) {
    if (hasSchema) await connectPostgres(vhost.url, { pool: elsewhere, schema, relay: false })
    const transaction = await beginOn(elsewhere.connect())
    const error = await failure(mq.schedule(note, { n: 1 }, { to, in: '1h', transaction }))
    expect(error).toMatchObject(REFUSED)
    expect((error as Error).message).toContain('expected one on the database of the strategy')
    await transaction.query('ROLLBACK')
    if (hasSchema) expect((await elsewhere.query(`SELECT FROM ${schema}.messages`)).rowCount).toBe(0)
  }
  expect(await count()).toBe(0)
})

test('a read-only transaction is refused, also on a connection that has written before', async () => {
  const { mq, to, begin, count } = await open()
  const transaction = await begin()
  const options = { to, in: '1h', id: unique('id'), transaction }
  await mq.schedule(note, { n: 1 }, options)
  await transaction.query('COMMIT')
  for (const attempt of [
    () => mq.schedule(note, { n: 2 }, options),
    () => mq.cancel(options.id, { transaction }),
    () => mq.reschedule(options.id, { in: '2h', transaction }),
  ]) {
    await transaction.query('BEGIN READ ONLY')
    const error = await failure(attempt())
    expect(error).toMatchObject(REFUSED)
    expect((error as Error).message).toContain('expected a transaction that may write')
    await transaction.query('ROLLBACK')
  }
  expect(await count()).toBe(1)
})

test('a client that cannot tell whether it is in a transaction writes in each of its transactions, and not outside', async () => {
  const { mq, to, begin } = await open()
  const client = await begin()
  const transaction = { query: (text: string, values: unknown[]) => client.query(text, values) }
  const id = unique('id')
  await mq.schedule(note, { n: 1 }, { to, in: '1h', id, transaction })
  await client.query('COMMIT')
  const outside = [
    () => mq.schedule(note, { n: 2 }, { to, in: '1h', transaction }),
    () => mq.schedule(note, { n: 3 }, { to, in: '1h', id, onConflict: 'replace', transaction }),
    () => mq.cancel(id, { transaction }),
    () => mq.reschedule(id, { in: '2h', transaction }),
  ] as const
  for (const attempt of outside) {
    const error = await failure(attempt())
    expect(error).toMatchObject(REFUSED)
    expect((error as Error).message).toContain('before its commit or rollback')
  }
  const payloads = async () => (await mq.list()).messages.map(({ payload }) => payload)
  expect(await payloads()).toEqual([{ n: 1 }])
  await client.query('BEGIN')
  await mq.schedule(note, { n: 4 }, { to, in: '1h', id, onConflict: 'replace', transaction })
  await client.query('COMMIT')
  expect(await payloads()).toEqual([{ n: 4 }])
})
