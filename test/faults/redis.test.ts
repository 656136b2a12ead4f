import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivateRedis } from '../../scripts/services/private-redis.js'
import { openRedis } from '../../scripts/services/redis-client.js'
import { connect, isDuequeError, type Dueque } from '../../src/index.js'
import { redis, type RedisOptions } from '../../src/strategies/redis/index.js'
import { poll, useVhost } from '../support/broker.js'
import { failure } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis } from '../support/redis.js'
import { note, unique } from '../strategies/recorder.js'
import { AtWork } from './at-work.js'
import { bearsSilence, Handled, relayFaults, scheduleMany } from './relay-faults.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()
let server: PrivateRedis | undefined
beforeAll(async () => {
  server = await startRedis({ appendonly: true })
})
afterAll(() => server?.stop())

function newClient(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => 100 })
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}

type Own = Omit<RedisOptions, 'client'>

function strategyAt(url: string, options: Own = {}) {
  return redis({ client: newClient(url), prefix: 'faults', timeoutMs: 3000, ...options })
}

async function open(url: string, strategy = strategyAt(server!.url)): Promise<Dueque> {
  const mq = await connect({ url, strategy })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

relayFaults({
  name: 'redis',
  missing: NO_REDIS_PROGRAMS,
  strategy: (relay) => server && strategyAt(server.url, { timeoutMs: 15_000, ...(relay === false && { relay }) }),
  environment: () => ({ DUEQUE_REDIS_URL: server!.url, DUEQUE_REDIS_PREFIX: 'faults' }),
  claimed: () => newClient(server!.url).zcard('{faults}:claimed'),
  async poison(metas) {
    const client = newClient(server!.url)
    for (const [i, meta] of metas.entries()) {
      const field = Buffer.from(`poison${String(i).padStart(8)}`)
      const head = [1, 'queue:q', 'n', 'i', 1, 1000].map((one) => JSON.stringify(one)).join()
      const json = i % 2 === 0 ? `[${head},${meta}]` : meta
      await client.hset('{faults}:messages', field, Buffer.from(`12345678${json}\nbody`))
      await client.zadd('{faults}:waiting', Date.now(), field)
    }
  },
  async unpoison() {
    const client = await openRedis(server!.url)
    const fields = (await client.hkeys('{faults}:messages')).filter((field) => field.startsWith('poison'))
    for (const key of ['{faults}:waiting', '{faults}:claimed']) await client.zrem(key, ...fields)
    await client.hdel('{faults}:messages', ...fields)
    client.disconnect()
  },
})

describe('a private Redis', () => {
  test('Redis is killed and restarted while messages are scheduled, wait and fall due', async ({ skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    const work = await AtWork.start(vhost.url, { strategy: strategyAt(server.url) })
    for (let round = 0; round < 3; round++) {
      await server.kill()
      await server.restart()
      await work.flows(`after kill ${round + 1}`)
    }
    await work.account()
  }, 180_000)

  test('Redis is away for a while: schedules are refused in time, and everything goes on when it is back', async ({
    skip,
  }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    const work = await AtWork.start(vhost.url, { strategy: strategyAt(server.url, { timeoutMs: 500 }) })
    await server.kill()
    await poll(() => work.mq.health().store === 'down', { what: 'health to tell', timeoutMs: 10_000 })
    expect(work.mq.health().ok).toBe(false)
    const error = await failure(work.mq.schedule(note, { n: -1 }, { to: { queue: work.queue }, in: '1h' }))
    expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
    await server.restart()
    await work.flows('when it is back')
    await work.account()
    expect(work.mq.health().ok).toBe(true)
  }, 120_000)

  test('Redis stops answering: a command that was sent may wait, and completes when Redis goes on', async ({
    skip,
  }) => {
    const own = await startRedis()
    if (!own) return skip(NO_REDIS_PROGRAMS)
    onTestFinished(() => own.stop())
    const client = createClient({ url: own.url })
    client.on('error', () => undefined)
    await client.connect()
    onTestFinished(() => client.destroy())
    const mq = await open(vhost.url, redis({ client, prefix: 'hangs', timeoutMs: 1000 }))
    const queue = unique('hangs')
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: '1h', declare: true })
    const admin = newClient(own.url)
    await admin.client('PAUSE', 4000, 'ALL')
    const error = await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h', id: 'maybe' }))
    expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'unknown' })
    const waits = () => admin.zcard('{hangs}:waiting')
    await poll(async () => (await waits()) === 2, { what: 'it to wait after all', timeoutMs: 20_000 })
    const { receipt } = error as { receipt: NonNullable<Parameters<typeof mq.schedule>[2]['repeat']> }
    await mq.schedule(note, { n: 1 }, { to: { queue }, repeat: receipt })
    expect(await waits()).toBe(2)
  })

  test('Redis stops answering: every call and close end in time, over ioredis', async ({ skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    await bearsSilence(vhost.url, server, (url, timeoutMs) =>
      strategyAt(url, { timeoutMs, relay: { backstopMs: 200 } }),
    )
  })

  test('Redis stops answering: every call and close end in time, over redis', async ({ skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    await bearsSilence(vhost.url, server, (url, timeoutMs) => {
      const client = createClient({ url })
      client.on('error', () => undefined)
      onTestFinished(() => client.destroy())
      void client.connect()
      return redis({ client, prefix: 'silent', timeoutMs, relay: { backstopMs: 200 } })
    })
  })

  test('a Redis whose memory is full refuses new messages, and hands over due ones', async ({ skip }) => {
    const own = await startRedis({ config: { 'maxmemory-policy': 'noeviction' } })
    if (!own) return skip(NO_REDIS_PROGRAMS)
    onTestFinished(() => own.stop())
    const queue = unique('full')
    const mq = await open(vhost.url, strategyAt(own.url, { relay: false }))
    await scheduleMany(mq, queue, 1000, new Date(Date.now() + 1500))
    await replace(mq, queue, 1)
    const admin = newClient(own.url)
    await admin.config('SET', 'maxmemory', 1)
    const error = await failure(mq.schedule(note, { n: -1 }, { to: { queue }, in: '1h' }))
    expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
    expect((error as Error).message).toContain('OOM')
    const replacing = await failure(replace(mq, queue, 2))
    expect(isDuequeError(replacing, 'STORE_ERROR') && replacing.outcome).toBe('refused')
    const { waitlist } = mq.strategy as ReturnType<typeof redis>
    expect((await waitlist.find('replaced')).map(({ body }) => Buffer.from(body).toString())).toEqual(['{"n":1}'])
    const relaying = await open(vhost.url, strategyAt(own.url))
    const handled = await Handled.on(relaying, queue)
    await handled.isAll(1000)
  })

  test('a replica refuses a schedule: the outcome is that nothing waits', async ({ skip }) => {
    const own = await startRedis()
    if (!own) return skip(NO_REDIS_PROGRAMS)
    onTestFinished(() => own.stop())
    const mq = await open(vhost.url, strategyAt(own.url))
    const queue = unique('replica')
    await mq.schedule(note, { n: 0 }, { to: { queue }, in: '1h', declare: true })
    const admin = newClient(own.url)
    await admin.call('REPLICAOF', '127.0.0.1', '1')
    const error = await failure(mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h' }))
    expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
    expect((error as Error).message).toContain('READONLY')
    await admin.call('REPLICAOF', 'NO', 'ONE')
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: '1h' })
  })
})

function replace(mq: Dueque, queue: string, n: number): Promise<unknown> {
  const options = { to: { queue }, in: '1h', id: 'replaced', onConflict: 'replace' }
  return mq.schedule(note, { n }, options)
}
