import type { PoolClient } from 'pg'
import sqlTo from 'postgres'
import { expect, onTestFinished, test } from 'vitest'
import { poll, useVhost } from '../../support/broker.js'
import { failure } from '../../support/mq.js'
import { usePostgres } from '../../support/postgres.js'
import { openWorld } from '../amqp-world.js'
import { Recorder, note, unique } from '../recorder.js'
import { connectPostgres, poolOf, uniqueSchema } from './store.js'

const vhost = useVhost()
const database = usePostgres()
const TIMEOUT_MS = 700

async function timed<T>(work: Promise<T>): Promise<{ result: T; tookMs: number }> {
  const from = performance.now()
  return { result: await work, tookMs: performance.now() - from }
}

test('while transactions hold all connections of a pg pool, calls fail in time, and work again later', async () => {
  const pool = poolOf(database.url, { max: 2 })
  const options = { pool, timeoutMs: TIMEOUT_MS, listen: false, relay: { backstopMs: 200 } }
  const mq = await connectPostgres(vhost.url, options)
  const queue = unique('exhausted')
  const to = { queue }
  await openWorld(vhost.url).declareQueue(queue)
  const recorder = await Recorder.on(mq, queue)
  const errors: unknown[] = []
  mq.on('error', (error) => errors.push(error))
  await mq.schedule(note, { n: 0 }, { to, in: '1h', id: 'first' })
  await mq.schedule(note, { n: 1 }, { to, in: 300 })
  const taken = await Promise.all([pool.connect(), pool.connect()])
  let isTaken = true
  const give = () => isTaken && taken.forEach((client: PoolClient) => client.release())
  onTestFinished(() => void give())
  for (const client of taken) await client.query('BEGIN')

  const attempts = [
    mq.schedule(note, { n: 2 }, { to, in: '1h' }),
    mq.schedule(note, { n: 3 }, { to, in: '1h', onConflict: 'error' }),
    mq.cancel('first'),
    mq.count(),
  ]
  for (const attempt of attempts.map((one) => timed(failure(one)))) {
    const { result, tookMs } = await attempt
    expect(result).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
    expect((result as Error).message).toContain(`no connection of the pool within ${TIMEOUT_MS} ms`)
    expect(tookMs).toBeGreaterThan(TIMEOUT_MS - 50)
    expect(tookMs).toBeLessThan(TIMEOUT_MS * 5)
  }
  // A schedule in a transaction needs no connection of the pool.
  await mq.schedule(note, { n: 4 }, { to, in: 100, transaction: taken[0] })
  await poll(() => errors.length > 0, { what: 'the relay to tell', timeoutMs: 10_000 })
  expect(errors[0]).toMatchObject({ code: 'STORE_ERROR' })
  expect(mq.health().store).toBe('down')
  for (const client of taken) await client.query('COMMIT')
  give()
  isTaken = false
  await recorder.has(2)
  expect(recorder.numbers.toSorted()).toEqual([1, 4])
  expect(await mq.count()).toBe(1)
  expect(mq.health().store).toBe('up')
  // Connections that came too late were released.
  expect([pool.totalCount - pool.idleCount <= 1, pool.waitingCount]).toEqual([true, 0])
})

test('while transactions hold all connections of postgres.js, no call waits forever', async () => {
  const sql = sqlTo(database.url, { max: 1 })
  onTestFinished(() => sql.end())
  const mq = await connectPostgres(vhost.url, { pool: sql, timeoutMs: TIMEOUT_MS, relay: false })
  const queue = unique('exhausted')
  const to = { queue }
  await openWorld(vhost.url).declareQueue(queue)
  let end: () => void = () => undefined
  const isOver = new Promise<void>((resolve) => (end = resolve))
  const transaction = sql.begin(async (own) => {
    await own`SELECT 1`
    await isOver
  })
  const plain = await timed(failure(mq.schedule(note, { n: 1 }, { to, in: '1h' })))
  expect(plain.result).toMatchObject({ code: 'STORE_ERROR', outcome: 'unknown' })
  expect(plain.tookMs).toBeLessThan(TIMEOUT_MS * 5)
  const alone = { to, in: '1h', onConflict: 'error' } as const
  const conflicting = await failure(mq.schedule(note, { n: 2 }, alone))
  expect(conflicting).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
  end()
  await transaction
  // The outcome was unknown as reported, and a repetition adds no second message.
  const { receipt } = plain.result as { receipt: NonNullable<Parameters<typeof mq.schedule>[2]['repeat']> }
  await mq.schedule(note, { n: 1 }, { to, repeat: receipt })
  expect(await mq.count()).toBe(1)
})

test('a statement without an answer fails in time, and its connection is discarded', async () => {
  const sql = sqlTo(database.url, { max: 2, onnotice: () => undefined })
  onTestFinished(() => sql.end())
  const schema = uniqueSchema()
  for (const pool of [sql, poolOf(database.url)]) {
    const mq = await connectPostgres(vhost.url, { pool, schema, timeoutMs: TIMEOUT_MS, relay: false })
    const admin = await poolOf(database.url).connect()
    await admin.query(`BEGIN; LOCK TABLE ${schema}.messages`)
    const { result, tookMs } = await timed(failure(mq.count()))
    expect(result).toMatchObject({ code: 'STORE_ERROR' })
    expect((result as Error).message).toContain(`no answer within ${TIMEOUT_MS} ms`)
    expect(tookMs).toBeLessThan(TIMEOUT_MS * 5)
    expect(mq.health().store).toBe('down')
    await admin.query('COMMIT')
    admin.release()
    expect(await mq.count()).toBe(0)
    expect(mq.health().store).toBe('up')
  }
})
