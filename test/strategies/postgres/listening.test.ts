import { Client, Pool } from 'pg'
import sqlTo from 'postgres'
import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../../src/base/logger.js'
import { poll, useVhost } from '../../support/broker.js'
import { NO_PGBOUNCER, startPgbouncer, usePostgres } from '../../support/postgres.js'
import { openWorld } from '../amqp-world.js'
import { Recorder, note, unique } from '../recorder.js'
import { connectPostgres, poolOf, uniqueSchema } from './store.js'

const vhost = useVhost()
const database = usePostgres()

/** So long that the backstop does not find the messages of this test. */
const relay = { backstopMs: 60_000 }

interface Listening {
  name: string
  options: () => Parameters<typeof connectPostgres>[1]
}

const LISTENING: Listening[] = [
  { name: 'a connection of the pool of pg', options: () => ({ pool: poolOf(database.url) }) },
  {
    name: 'postgres.js',
    options: () => {
      const sql = sqlTo(database.url)
      onTestFinished(() => sql.end())
      return { pool: sql }
    },
  },
  {
    name: 'a client of pg of its own',
    options: () => ({
      pool: poolOf(database.url, { max: 1 }),
      listen: () => new Client({ connectionString: database.url }),
    }),
  },
  {
    name: 'a postgres.js of its own',
    options: () => ({ pool: poolOf(database.url, { max: 1 }), listen: () => sqlTo(database.url) }),
  },
]

test.for(LISTENING)(
  'over $name, the relay is notified by other processes, also after its connection was lost',
  async ({ options }) => {
    const [schema, queue] = [uniqueSchema(), unique('listen')]
    await openWorld(vhost.url).declareQueue(queue)
    const relaying = await connectPostgres(vhost.url, { ...options(), schema, relay })
    const producer = await connectPostgres(vhost.url, { pool: poolOf(database.url), schema, relay: false })
    const recorder = await Recorder.on(relaying, queue)
    const admin = poolOf(database.url)
    let cut = 0
    for (const n of [1, 2, 3]) {
      await poll(async () => (await listeners(admin, schema)).some((pid) => pid !== cut), {
        timeoutMs: 20_000,
        what: 'a listener',
      })
      await producer.schedule(note, { n }, { to: { queue }, in: 300 })
      await recorder.has(n, 10_000)
      cut = (await listeners(admin, schema))[0]!
      await admin.query('SELECT pg_terminate_backend($1)', [cut])
    }
    // Messages that are scheduled while no relay listens are found when it listens again.
    await producer.schedule(note, { n: 4 }, { to: { queue }, in: 10 })
    await recorder.has(4, 20_000)
    expect(recorder.early).toEqual([])
  },
)

test('the relay is notified of a message that is rescheduled to an earlier time', async () => {
  const [schema, queue] = [uniqueSchema(), unique('sooner')]
  await openWorld(vhost.url).declareQueue(queue)
  const relaying = await connectPostgres(vhost.url, { pool: poolOf(database.url), schema, relay })
  const producer = await connectPostgres(vhost.url, { pool: poolOf(database.url), schema, relay: false })
  const recorder = await Recorder.on(relaying, queue)
  const receipts = [
    await producer.schedule(note, { n: 1 }, { to: { queue }, in: '1h' }),
    await producer.schedule(note, { n: 2 }, { to: { queue }, in: '1h' }),
  ]
  await producer.reschedule(receipts[0]!, { in: 300 })
  await recorder.has(1, 10_000)
  await relaying.reschedule(receipts[1]!, { in: 300 })
  await recorder.has(2, 10_000)
})

test('without listening, the backstop finds messages of other processes, and own messages are seen at once', async () => {
  const [schema, queue] = [uniqueSchema(), unique('backstop')]
  await openWorld(vhost.url).declareQueue(queue)
  const options = { pool: poolOf(database.url, { max: 1 }), schema, listen: false }
  const relaying = await connectPostgres(vhost.url, { ...options, relay: { backstopMs: 3000 } })
  const producer = await connectPostgres(vhost.url, { pool: poolOf(database.url), schema, relay: false })
  const recorder = await Recorder.on(relaying, queue)
  await producer.schedule(note, { n: 1 }, { to: { queue }, in: 100 })
  await recorder.has(1, 10_000)
  const receipt = await relaying.schedule(note, { n: 2 }, { to: { queue }, in: 3_600_000 })
  const from = Date.now()
  await relaying.schedule(note, { n: 3 }, { to: { queue }, in: 100 })
  await recorder.has(2, 10_000)
  await relaying.reschedule(receipt, { in: 100 })
  await recorder.has(3, 10_000)
  expect(Date.now() - from).toBeLessThan(2500)
})

test('through PgBouncer a warning says that notifications do not arrive, and the backstop goes on', async ({
  skip,
}) => {
  const pgbouncer = await startPgbouncer({ postgres: { url: database.url } })
  if (!pgbouncer) return skip(NO_PGBOUNCER)
  onTestFinished(() => pgbouncer.stop())
  const [schema, queue] = [uniqueSchema(), unique('bouncer')]
  await openWorld(vhost.url).declareQueue(queue)
  const said: string[] = []
  const pool = new Pool({ connectionString: pgbouncer.url })
  onTestFinished(() => pool.end())
  const relaying = await connectPostgres(
    vhost.url,
    { pool, schema, relay: { backstopMs: 500 } },
    { logger: { ...silent, warn: (text) => said.push(text) } },
  )
  await poll(() => said.some((text) => text.includes('LISTEN')), { timeoutMs: 20_000, what: 'a warning' })
  const producer = await connectPostgres(vhost.url, { pool: poolOf(database.url), schema, relay: false })
  const recorder = await Recorder.on(relaying, queue)
  await producer.schedule(note, { n: 1 }, { to: { queue }, in: 100 })
  await recorder.has(1, 10_000)
})

/** Backends that listen to the channel of the schema. */
async function listeners(admin: Pool, schema: string): Promise<number[]> {
  const { rows } = await admin.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE query ILIKE 'listen \"dueque:' || $1 || '\"%'",
    [schema],
  )
  return rows.map(({ pid }) => pid)
}
