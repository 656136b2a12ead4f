import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, ladder, on, type Strategy } from '../../src/index.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis, redisExpiry } from '../../src/strategies/redis/index.js'
import type { StoreStrategy, StoreStrategyOptions } from '../../src/strategies/store/store-strategy.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'
import { settableClock, type SettableClock } from '../support/settable-clock.js'

const HOUR = 3_600_000
const vhost = useVhost()
const redisServer = useRedis()
const database = usePostgres()

function newRedis(): Redis {
  const client = new Redis(redisServer.url)
  onTestFinished(() => client.disconnect())
  return client
}

function newPool(): Pool {
  const pool = new Pool({ connectionString: database.url })
  onTestFinished(() => pool.end())
  return pool
}

/** Strategies over one store each, by a name that all processes of a test share. */
const STORES: Record<string, (name: string, options?: StoreStrategyOptions) => StoreStrategy> = {
  redis: (name, options) => redis({ client: newRedis(), prefix: `${redisServer.prefix}-${name}`, ...options }),
  redisExpiry: (name, options) =>
    redisExpiry({ client: newRedis(), prefix: `${redisServer.prefix}-${name}`, ...options }),
  postgres: (name, options) => postgres({ pool: newPool(), schema: name, ...options }),
}

/** A process with its own clock, and the calls of its handlers. */
async function open(strategy: Strategy, clock: SettableClock, namespace: string) {
  const warnings: string[] = []
  const none = () => undefined
  const logger = { debug: none, info: none, warn: (text: string) => void warnings.push(text), error: none }
  const mq = await connect({ url: vhost.url, namespace, strategy: Object.assign(strategy, { clock }), logger })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const handled: { n: number; lateMs: number }[] = []
  const consume = (queue: string) =>
    mq.consume(queue, [
      on(note, ({ payload: { n }, dueAt }) => void handled.push({ n, lateMs: clock.now() - dueAt.getTime() })),
    ])
  const has = async (n: number, timeoutMs = 10_000) => {
    await poll(() => handled.some((one) => one.n === n), { what: `${n} to be handled`, timeoutMs })
    return handled.find((one) => one.n === n)!.lateMs
  }
  return { mq, consume, handled, warnings, has }
}

describe.each(['ladder', ...Object.keys(STORES)])('%s', (kind) => {
  test('continues when the clock of its process is set back by an hour, and forward again', async () => {
    const name = unique('clock')
    const clock = settableClock()
    const { mq, consume, handled, warnings, has } = await open(STORES[kind]?.(name) ?? ladder(), clock, name)
    await consume(name)
    const schedule = (n: number, inMs: number) => mq.schedule(note, { n }, { to: { queue: name }, in: inMs })
    await schedule(0, 100)
    await has(0)
    clock.set(-HOUR)
    const from = performance.now()
    await schedule(1, 500)
    expect(await has(1)).toBeGreaterThanOrEqual(0)
    await schedule(2, 0)
    await has(2)
    await schedule(3, 20_000)
    // A message in the store is due by its clock, and has to wait in the process.
    clock.set(0)
    if (kind !== 'ladder') await has(3)
    await schedule(4, 500)
    expect(await has(4)).toBeGreaterThanOrEqual(0)
    expect(performance.now() - from).toBeLessThan(20_000)
    expect(handled.every(({ lateMs }) => lateMs >= 0)).toBe(true)
    expect(warnings.map((text) => /was set (\w+)/.exec(text)?.[1]).filter(Boolean)).toEqual(['back', 'forward'])
    expect(mq.health().ok).toBe(true)
  }, 60_000)
})

describe.each(Object.keys(STORES))('%s', (kind) => {
  const strategyOf = STORES[kind]!

  test.each([-600_000, 600_000])(
    'a relay whose clock is %d ms ahead hands over messages when they are due by the clock of the store',
    async (ms) => {
      const name = unique('ahead')
      const { mq, consume, handled, has } = await open(strategyOf(name, { relay: false }), settableClock(), name)
      const consumer = await consume(name)
      const relay = strategyOf(name)
      await open(relay, settableClock(ms), name)
      for (const [n, inMs] of [300, 300_000].entries())
        await mq.schedule(note, { n }, { to: { queue: name }, in: inMs })
      expect(await has(0)).toBeGreaterThanOrEqual(0)
      expect(handled).toHaveLength(1)
      expect(relay.relayStats()).toMatchObject({ relayed: 1 })
      expect(consumer.stats()).toMatchObject({ putBack: 0, held: 0 })
    },
    60_000,
  )

  test('with a store whose clock is 10 min ahead, each message makes few trips, which are counted', async () => {
    const name = unique('loop')
    const strategy = strategyOf(name)
    const { mq, consume, handled } = await open(strategy, settableClock(-600_000), name)
    const consumer = await consume(name)
    const from = performance.now()
    await mq.schedule(note, { n: 1 }, { to: { queue: name }, in: '5m' })
    const putBack = () => consumer.stats().putBack
    await poll(() => putBack() === 3, { what: 'three trips', timeoutMs: 20_000 })
    // The third one was held for a second, and the next one is for two.
    expect(performance.now() - from).toBeGreaterThan(900)
    expect(strategy.relayStats()!.relayed).toBeLessThanOrEqual(4)
    expect(handled).toEqual([])
    const again = performance.now()
    await poll(() => putBack() === 4, { what: 'a fourth trip', timeoutMs: 20_000 })
    expect(performance.now() - again).toBeGreaterThan(1500)
  }, 60_000)
})
