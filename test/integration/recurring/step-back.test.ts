import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import {
  connect,
  ladder,
  type ConnectOptions,
  type DuequeError,
  type RecurringOptions,
  type Strategy,
} from '../../../src/index.js'
import { startTicker, type TickerProcess } from '../../../src/recurring/ticker-process.js'
import type { TickerTimes } from '../../../src/recurring/ticker-times.js'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { migratePostgres } from '../../../src/strategies/postgres/migrate.js'
import { redis } from '../../../src/strategies/redis/index.js'
import { unique } from '../../strategies/recorder.js'
import { useRedisClient } from '../../strategies/redis-client.js'
import { poll, useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { useRedis } from '../../support/redis.js'
import { userWith } from '../../support/users.js'
import { beat, OccurrenceLog } from './occurrence-log.js'

const vhost = useVhost()
const server = useRedis()
const client = useRedisClient(server)
const database = usePostgres()
let pool: Pool

beforeAll(async () => {
  pool = new Pool({ connectionString: database.url, max: 20 })
  await migratePostgres({ pool })
})
afterAll(() => pool.end())

/** With a tick for each occurrence. */
const TIMES: Partial<TickerTimes> = { patienceMs: 1500, restMs: 5000, windowMs: 1000 }

/** A namespace with a schedule of every second, whose occurrences are counted, and tickers in it. */
async function world({ onTestFinished }: TestContext, strategy: () => Strategy) {
  const [namespace, queue, id] = [unique('ns'), unique('occurrences'), unique('schedule')]
  const options = { url: vhost.url, namespace, logger: false } as const
  const mq = await connect({ ...options, strategy: strategy() as ReturnType<typeof ladder>, recurring: false })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const log = await OccurrenceLog.on(mq, queue)
  const every = { message: beat, payload: { kind: 'x' }, to: { queue }, every: '1s', catchUp: 'all' } as const
  const set = () => mq.recurring.set(id, every satisfies RecurringOptions<{ kind: string }>)
  const ticker = async (own: Strategy, more: ConnectOptions = {}) => {
    const errors: DuequeError[] = []
    const process = await startTicker({ ...options, ...more, strategy: own }, (error) => errors.push(error), TIMES)
    onTestFinished(() => process.close())
    const state = () => process.health().recurring?.state
    const is = (wanted: string) => poll(() => state() === wanted, { what: `it to be ${wanted}`, timeoutMs: 30_000 })
    return { process, errors, is }
  }
  return { set, log, id, ticker }
}

/** Each time from the first one on, once, until some time after this call. */
async function goesOn(log: OccurrenceLog, id: string): Promise<void> {
  await log.through(id, Date.now() + 2000)
  const times = log.of(id).map(({ time }) => time)
  expect(times).toEqual(times.map((_, n) => times[0]! + n * 1000))
}

const told = (errors: readonly DuequeError[]) =>
  errors.filter(({ message }) => message.includes('leaves recurring messages to those of other processes'))
const steppedBackAt = (process: TickerProcess) => process.health().recurring?.steppedBackAt

test.concurrent(
  'another ticker takes over from one that cannot reach its store, which stays behind it',
  async (context) => {
    const { set, log, id, ticker } = await world(context, () => redis({ client: client(), prefix: server.prefix }))
    const proxy = await TcpProxy.to(server.url)
    const far = new Redis(proxy.url(server.url), { retryStrategy: () => 100 })
    far.on('error', () => undefined)
    context.onTestFinished(() => {
      far.disconnect()
      proxy.close()
    })
    const bad = await ticker(redis({ client: far, prefix: server.prefix, timeoutMs: 500, relay: false }))
    await set()
    await bad.is('active')
    await goesOn(log, id)
    proxy.refuse()
    proxy.cut()
    const good = await ticker(redis({ client: client(), prefix: server.prefix, relay: false }))
    await good.is('active')
    await goesOn(log, id)
    await proxy.listen()
    await bad.is('standby')
    expect([good.process.health().recurring?.state, steppedBackAt(good.process)]).toEqual(['active', undefined])
    expect(steppedBackAt(bad.process)).toBeDefined()
    expect(told(bad.errors)).toMatchObject([{ code: 'STORE_ERROR' }])
  },
)

test.concurrent('and from one whose user may not write to the store', async (context) => {
  const { set, log, id, ticker } = await world(context, () => postgres({ pool }))
  const user = unique('reader').replaceAll('-', '_')
  await pool.query(`CREATE ROLE ${user} LOGIN PASSWORD 'geheim'`)
  await pool.query(`GRANT USAGE ON SCHEMA dueque TO ${user}`)
  await pool.query(`GRANT SELECT ON ALL TABLES IN SCHEMA dueque TO ${user}`)
  const own = new URL(database.url)
  own.username = user
  own.password = 'geheim'
  const reading = new Pool({ connectionString: own.href })
  context.onTestFinished(async () => {
    await reading.end()
    await pool.query(`DROP OWNED BY ${user}`)
    await pool.query(`DROP ROLE ${user}`)
  })
  const bad = await ticker(postgres({ pool: reading, relay: false }))
  await bad.is('active')
  const good = await ticker(postgres({ pool, relay: false }))
  await set()
  await good.is('active')
  await goesOn(log, id)
  expect(told(bad.errors)).toMatchObject([{ code: 'STORE_ERROR', data: { denied: true } }])
})

test.concurrent('and from one whose user may not send messages to RabbitMQ', async (context) => {
  const { set, log, id, ticker } = await world(context, ladder)
  const good = await ticker(ladder())
  const url = await userWith(vhost, { configure: '^$', write: '^(?!.*entry).*$', read: '.*' })
  const bad = await ticker(ladder(), { url, topology: 'trust' })
  await set()
  await good.process.close()
  await bad.is('stepped-back')
  expect(bad.process.health().ok).toBe(false)
  const next = await ticker(ladder())
  await next.is('active')
  await goesOn(log, id)
  expect(told(bad.errors)).toMatchObject([{ code: 'PERMISSION_DENIED' }])
})
