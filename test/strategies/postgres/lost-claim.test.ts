import type { Pool, PoolClient } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../../src/base/logger.js'
import { postgresStore, type PostgresStore } from '../../../src/strategies/postgres/postgres-store.js'
import { failure } from '../../support/mq.js'
import { usePostgres } from '../../support/postgres.js'
import { message } from '../store-cases.js'
import { poolOf, uniqueSchema } from './store.js'

const database = usePostgres()

async function openStore(pool: Pool, schema: string): Promise<PostgresStore> {
  const store = postgresStore({ pool, schema })
  await store.open({ logger: silent, onError: () => undefined })
  onTestFinished(() => store.close())
  return store
}

/** Cuts the connection after the next claim: the server has executed it, and its answer is lost. */
function losesAnswers(pool: Pool): { lose: () => void } {
  let isLosing = false
  pool.on('connect', (client: PoolClient) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
    client.query = (async (...args: unknown[]) => {
      const answer = await query(...args)
      if (!isLosing || !String(args[0]).includes('SKIP LOCKED')) return answer
      isLosing = false
      throw new Error('Connection terminated unexpectedly')
    }) as typeof client.query
  })
  return {
    lose() {
      isLosing = true
    },
  }
}

const request = { now: 2000, limit: 10, leaseMs: 60_000 }

test('messages of a claim whose answer was lost are claimed again at once, and those of other relays are not', async () => {
  const [pool, schema] = [poolOf(database.url), uniqueSchema()]
  const { lose } = losesAnswers(pool)
  const [store, other] = [await openStore(pool, schema), await openStore(poolOf(database.url), schema)]
  const held = message({ id: 'held', dueAt: 900 })
  await other.add(held, {})
  const { claimed: theirs } = await other.claim(request)
  expect(theirs).toHaveLength(1)

  const [first, second] = [message({ dueAt: 1000 }), message({ dueAt: 1100 })]
  for (const one of [first, second]) await store.add(one, {})
  lose()
  expect(await failure(store.claim(request))).toMatchObject({ code: 'STORE_ERROR', outcome: 'unknown' })
  const count = `SELECT count(*)::integer AS leased FROM ${schema}.messages WHERE lease IS NOT NULL`
  expect((await pool.query(count)).rows).toEqual([{ leased: 3 }])

  const { claimed } = await store.claim(request)
  expect(claimed.map((one) => one.message.id)).toEqual([first.id, second.id])
  expect((await store.claim(request)).claimed).toEqual([])
  await store.settle(claimed)
  await other.settle(theirs)
  expect((await pool.query(`SELECT FROM ${schema}.messages`)).rowCount).toBe(0)
})
