import type { PoolClient } from 'pg'
import sqlTo from 'postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isDuequeError } from '../../../src/index.js'
import { poll, useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { openWorld } from '../amqp-world.js'
import { Recorder, note, unique } from '../recorder.js'
import { connectPostgres, poolOf } from './store.js'

const vhost = useVhost()
const database = usePostgres()

async function open() {
  const pool = poolOf(database.url)
  const mq = await connectPostgres(vhost.url, { pool })
  const queue = unique('transaction')
  await openWorld(vhost.url).declareQueue(queue)
  const client = async () => {
    const taken = await pool.connect()
    onTestFinished(() => taken.release(true))
    return taken
  }
  return { pool, mq, queue, to: { queue }, client, count: () => mq.count({ destination: { queue } }) }
}

async function begin(client: PoolClient, isolation = 'READ COMMITTED'): Promise<PoolClient> {
  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
  return client
}

describe('with a client of pg', () => {
  test.for(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])(
    'messages scheduled in %s are visible after the commit, and not before',
    async (isolation) => {
      const { mq, queue, to, client, count } = await open()
      const transaction = await begin(await client(), isolation)
      const receipt = await mq.schedule(note, { n: 1 }, { to, in: 100, transaction })
      await mq.schedule(note, { n: 2 }, { to, in: 3_600_000, transaction })
      const recorder = await Recorder.on(mq, queue)
      // Due by now, and still not claimed.
      await mq.schedule(note, { n: 3 }, { to, in: 600 })
      await recorder.has(1)
      expect(recorder.numbers).toEqual([3])
      expect(await count()).toBe(0)
      expect(await mq.get(receipt)).toBeUndefined()
      await transaction.query('COMMIT')
      await recorder.has(2)
      expect(recorder.numbers).toEqual([3, 1])
      expect(await count()).toBe(1)
    },
  )

  test('a rollback removes scheduled messages, and the transaction stays under the control of the caller', async () => {
    const { mq, to, client, count, pool } = await open()
    await pool.query('CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY)')
    const transaction = await begin(await client())
    await transaction.query("INSERT INTO orders VALUES ('o-1')")
    await mq.schedule(note, { n: 1 }, { to, in: 1000, transaction })
    await transaction.query('ROLLBACK')
    expect(await count()).toBe(0)
    expect((await pool.query('SELECT FROM orders')).rowCount).toBe(0)
    await begin(transaction)
    await transaction.query("INSERT INTO orders VALUES ('o-1')")
    await mq.schedule(note, { n: 2 }, { to, in: 3_600_000, transaction })
    await transaction.query('COMMIT')
    expect(await count()).toBe(1)
    expect((await pool.query('SELECT FROM orders')).rowCount).toBe(1)
  })

  test('a commit wakes the relay', async () => {
    const { mq, queue, to, client } = await open()
    const recorder = await Recorder.on(mq, queue)
    const transaction = await begin(await client())
    await mq.schedule(note, { n: 1 }, { to, in: 1, transaction })
    const committedAt = Date.now()
    await transaction.query('COMMIT')
    await recorder.has(1)
    // The backstop is 5 s.
    expect(Date.now() - committedAt).toBeLessThan(2500)
  })

  test('an immediately due message also waits for the commit', async () => {
    const { mq, queue, to, client } = await open()
    const recorder = await Recorder.on(mq, queue)
    const transaction = await begin(await client())
    await mq.schedule(note, { n: 1 }, { to, in: 0, transaction })
    await mq.schedule(note, { n: 2 }, { to, in: 0 })
    await recorder.has(1)
    expect(recorder.numbers).toEqual([2])
    await transaction.query('ROLLBACK')
    await mq.schedule(note, { n: 3 }, { to, in: 300 })
    await recorder.has(2)
    expect(recorder.numbers).toEqual([2, 3])
  })

  test('a conflict and a repetition do not abort the transaction', async () => {
    const { mq, to, client, count } = await open()
    const id = unique('id')
    const first = await mq.schedule(note, { n: 1 }, { to, in: 3_600_000, id })
    const transaction = await begin(await client())
    const options = { to, in: 3_600_000, id, transaction }
    const refused = await mq.schedule(note, { n: 2 }, { ...options, onConflict: 'error' }).catch((e: unknown) => e)
    expect(isDuequeError(refused, 'CONFLICT') && refused.outcome).toBe('refused')
    expect(await mq.schedule(note, { n: 2 }, { ...options, onConflict: 'ignore' })).toEqual(first)
    expect(await mq.schedule(note, { n: 1 }, { to, repeat: first, transaction })).toEqual(first)
    await mq.schedule(note, { n: 3 }, { ...options, onConflict: 'replace' })
    await mq.schedule(note, { n: 4 }, { ...options, onConflict: 'replace' })
    expect((await mq.get(id))?.payload).toEqual({ n: 1 })
    await transaction.query('COMMIT')
    expect((await mq.get(id))?.payload).toEqual({ n: 4 })
    expect(await count()).toBe(1)
  })

  test('onConflict is refused at isolation levels that hide schedules of others', async () => {
    const { mq, to, client, count } = await open()
    const transaction = await begin(await client(), 'REPEATABLE READ')
    const options = { to, in: 1000, id: unique('id'), transaction, onConflict: 'error' } as const
    const refused = await mq.schedule(note, { n: 1 }, options).catch((e: unknown) => e)
    expect(isDuequeError(refused, 'INVALID_OPTION') && refused.outcome).toBe('refused')
    await transaction.query('COMMIT')
    expect(await count()).toBe(0)
  })

  test('another onConflict for the same id waits for the transaction', async () => {
    const { mq, to, client } = await open()
    const id = unique('id')
    const transaction = await begin(await client())
    await mq.schedule(note, { n: 1 }, { to, in: 3_600_000, id, onConflict: 'error', transaction })
    let isOver = false
    const other = mq
      .schedule(note, { n: 2 }, { to, in: 3_600_000, id, onConflict: 'error' })
      .catch((e: unknown) => e)
      .finally(() => {
        isOver = true
      })
    // Schedules of other ids do not wait.
    await mq.schedule(note, { n: 3 }, { to, in: 3_600_000, id: unique('id'), onConflict: 'error' })
    await mq.schedule(note, { n: 4 }, { to, in: 3_600_000 })
    expect(isOver).toBe(false)
    await transaction.query('COMMIT')
    expect(isDuequeError(await other, 'CONFLICT')).toBe(true)
  })

  test('a schedule in a failed or disconnected transaction is refused', async () => {
    const { mq, to, client, count, pool } = await open()
    const transaction = await begin(await client())
    await transaction.query('SELECT 1/0').catch(() => undefined)
    const failed = await mq.schedule(note, { n: 1 }, { to, in: 1000, transaction }).catch((e: unknown) => e)
    expect(isDuequeError(failed, 'STORE_ERROR') && failed.outcome).toBe('refused')
    await transaction.query('ROLLBACK')
    await begin(transaction)
    transaction.on('error', () => undefined)
    const { rows } = await transaction.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await pool.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid])
    const cut = await mq.schedule(note, { n: 2 }, { to, in: 1000, transaction }).catch((e: unknown) => e)
    expect(isDuequeError(cut, 'STORE_ERROR') && cut.outcome).toBe('refused')
    expect(await count()).toBe(0)
  })

  test('an invalid transaction is refused before anything is sent', async () => {
    const { mq, to, client, count, pool } = await open()
    const outside = await client()
    await outside.query('SELECT')
    for (const transaction of [pool, outside, {}, 'BEGIN'] as unknown[]) {
      const schedule = mq.schedule(note, { n: 1 }, { to, in: 1000, transaction: transaction as never })
      const refused = await schedule.catch((e: unknown) => e)
      expect(isDuequeError(refused, 'INVALID_OPTION') && refused.data).toEqual({ option: 'transaction' })
    }
    expect(await count()).toBe(0)
  })
})

describe('with postgres.js', () => {
  test('messages scheduled in sql.begin are there after it, and gone if it fails', async () => {
    const { mq, queue, to, count } = await open()
    const sql = sqlTo(database.url)
    onTestFinished(() => sql.end())
    await sql`CREATE TABLE IF NOT EXISTS parcels (id text PRIMARY KEY)`
    const recorder = await Recorder.on(mq, queue)
    await sql.begin(async (transaction) => {
      await transaction`INSERT INTO parcels VALUES ('p-1')`
      await mq.schedule(note, { n: 1 }, { to, in: 200, transaction })
      await mq.schedule(note, { n: 2 }, { to, in: 3_600_000, id: 'a', onConflict: 'error', transaction })
      expect(await count()).toBe(0)
    })
    await recorder.has(1)
    const failed = sql.begin(async (transaction) => {
      await mq.schedule(note, { n: 3 }, { to, in: 200, transaction })
      await mq.schedule(note, { n: 4 }, { to, in: 200, id: 'a', onConflict: 'error', transaction })
    })
    expect(isDuequeError(await failed.catch((e: unknown) => e), 'CONFLICT')).toBe(true)
    expect(await count()).toBe(1)
    expect(recorder.numbers).toEqual([1])
    const notOne = mq.schedule(note, { n: 5 }, { to, in: 200, transaction: sql as never })
    expect(isDuequeError(await notOne.catch((e: unknown) => e), 'INVALID_OPTION')).toBe(true)
  })

  test('a rolled back savepoint removes the messages that were scheduled in it', async () => {
    const { mq, to, count } = await open()
    const sql = sqlTo(database.url)
    onTestFinished(() => sql.end())
    await sql.begin(async (transaction) => {
      await mq.schedule(note, { n: 1 }, { to, in: 3_600_000, transaction })
      const inner = transaction.savepoint(async (savepoint) => {
        await mq.schedule(note, { n: 2 }, { to, in: 3_600_000, transaction: savepoint })
        throw new Error('back')
      })
      await expect(inner).rejects.toThrow('back')
    })
    await poll(async () => (await count()) === 1, { timeoutMs: 5000, what: 'the one that was committed' })
  })
})
