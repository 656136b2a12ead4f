/** The options of strategies, stores and tools: as option-errors.test.ts, beside connect, schedule and consume. */
import { afterAll, expect, it } from 'vitest'
import { connect, isDuequeError, ladder, manualClock, memory, startGate, startIntake } from '../../src/index.js'
import { migratePostgres, postgres, postgresDedupe } from '../../src/strategies/postgres/index.js'
import { redis, redisDedupe, redisExpiry } from '../../src/strategies/redis/index.js'
import { testDueque } from '../../src/testing/index.js'

const mq = await connect({ strategy: memory() })
afterAll(() => mq.close())

const client = { sendCommand: () => Promise.resolve(), isOpen: true, on: () => undefined }
const pool = { connect: () => Promise.reject(new Error('nobody asked for a connection')) }

async function refusal(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    if (isDuequeError(error, 'INVALID_OPTION')) return error.data.option
    throw error
  }
  return 'taken'
}

/** Passes options that the types refuse. */
const given = (take: (options: never) => unknown, options?: unknown) => () => take(options as never)

const REDIS = [redis, redisDedupe, redisExpiry]
const POSTGRES = [postgres, postgresDedupe, migratePostgres]

it.each<[string, () => unknown]>([
  ['options', given(ladder, 'quorum')],
  ['shard', given(ladder, { shard: 2 })],
  ['shards', given(ladder, { shards: '2' })],
  ['lead', given(ladder, { lead: NaN })],
  ['tolerance', given(ladder, { tolerance: 10 })],
  ['queueType', given(ladder, { queueType: 'stream' })],
  ...REDIS.flatMap((take): [string, () => unknown][] => [
    ['options', given(take)],
    ['client', given(take, {})],
    ['client', given(take, { client: {} })],
    ['url', given(take, { client, url: 'redis://localhost' })],
    ['prefix', given(take, { client, prefix: '' })],
    ['timeoutMs', given(take, { client, timeoutMs: NaN })],
  ]),
  ['relay', given(redis, { client, relay: true })],
  ['relay.leaseMS', given(redis, { client, relay: { leaseMS: 5000 } })],
  ['relay.ratePerSecond', given(redis, { client, relay: { ratePerSecond: NaN } })],
  ['relay.batch', given(postgres, { pool, relay: { batch: '10' } })],
  ['relay', given(redisExpiry, { client, relay: { backstopMs: 1000 } })],
  ['configure', given(redisExpiry, { client, configure: 'no' })],
  ['sweepMs', given(redisExpiry, { client, sweepMs: 0 })],
  ...POSTGRES.flatMap((take): [string, () => unknown][] => [
    ['options', given(take)],
    ['pool', given(take, {})],
    ['pool', given(take, { pool: 'postgres://localhost' })],
    ['shcema', given(take, { pool, shcema: 'a' })],
    ['schema', given(take, { pool, schema: '' })],
  ]),
  ['migrate', given(postgres, { pool, migrate: 'false' })],
  ['listen', given(postgres, { pool, listen: 'no' })],
  ['listen', given(postgresDedupe, { pool, listen: false })],
  ['clock', given(memory, { clock: 5 })],
  ['clock', given(memory, { clock: { now: () => 0 } })],
  ['start', given(manualClock, '2026-01-01T00:00:00Z')],
  ['start', given(manualClock, new Date(NaN))],
  ['options', given(testDueque, 'q')],
  ['queue', given(testDueque, { queue: ['q'] })],
  ['queues', given(testDueque, { queues: 'q' })],
  ['patienceMs', given(testDueque, { patienceMs: NaN })],
  ['setSystemTime', given(testDueque, { setSystemTime: true })],
  ['logger', given(testDueque, { logger: {} })],
  ['options', given(startIntake)],
  ['from', given(startIntake, {})],
  ['from', given(startIntake, { from: 5 })],
  ['to', given(startIntake, { from: 'a', to: '' })],
  ['form', given(startIntake, { form: 'a' })],
  ['prefetch', given(startIntake, { from: 'a', prefetch: 0 })],
  ['onError', given(startIntake, { from: 'a', onError: true })],
  ['namespcae', given(startIntake, { from: 'a', namespcae: 'b' })],
  ['strategy', given(startIntake, { from: 'a', strategy: ladder })],
  ['options', given(startGate)],
  ['from', given(startGate, { to: 'b' })],
  ['to', given(startGate, { from: 'a' })],
  ['to', given(startGate, { from: 'a', to: 'a' })],
  ['to', given(startGate, { from: 'a', to: 'a.dead' })],
  ['form', given(startGate, { form: 'a', to: 'b' })],
  ['prefetch', given(startGate, { from: 'a', to: 'b', prefetch: 0 })],
  ['onTailDown', given(startGate, { from: 'a', to: 'b', onTailDown: 'drop' })],
  ['onError', given(startGate, { from: 'a', to: 'b', onError: true })],
  ['declare', given(startGate, { from: 'a', to: 'b', declare: true, topology: 'trust' })],
  ['strategy', given(startGate, { from: 'a', to: 'b', strategy: memory() })],
  ['target', () => mq.cancel(5 as never)],
  ['target', () => mq.get(null as never)],
  ['due', () => mq.reschedule('a', '5s' as never)],
  ['due.inn', () => mq.reschedule('a', { inn: '5s' } as never)],
  ['limit', () => mq.list({ limit: NaN })],
  ['options', () => mq.list(null as never)],
  ['offset', () => mq.list({ offset: 5 } as object)],
  ['cursor', () => mq.list({ cursor: 5 as never })],
  ['due', () => mq.count({ due: new Date() as object })],
  ['due.form', () => mq.count({ due: { form: new Date() } as object })],
  ['due.from', () => mq.count({ due: { from: '2026-01-01' as never } })],
  ['name', () => mq.count({ name: 5 as never })],
  ['to', () => mq.count({ destination: 'q' as never })],
  ['limit', () => mq.count({ limit: 5 } as object)],
])('%s is refused: %#', async (option, work) => {
  expect(await refusal(work)).toBe(option)
})
