import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { on, type DedupeStore } from '../../src/index.js'
import { redisDedupe } from '../../src/strategies/redis/index.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { failure, open, rawChannel } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis, startRedisCluster, useRedis } from '../support/redis.js'
import { anyKey, dedupeCases, publishCopy } from './dedupe-cases.js'

vi.setConfig({ testTimeout: 120_000 })
const vhost = useVhost()
const server = useRedis()

dedupeCases({
  name: 'redis',
  url: () => vhost.url,
  make: () => storeOf(server.url, server.prefix),
  child: () => ['redis', server.url, server.prefix],
})

test('keys have one length, expire, and stay in the cluster slot that their text gives', async () => {
  const store = storeOf(server.url, `${server.prefix}-keys`)
  const client = clientOf(server.url)
  for (const key of ['a', 'b'.repeat(700)]) await store.claim(key, 'owner', 60_000)
  await store.settle('c', 60_000)
  const keys = await client.keys(`${server.prefix}-keys*`)
  expect(keys).toHaveLength(3)
  expect(new Set(keys.map((key) => key.length))).toEqual(new Set([`${server.prefix}-keys:dedupe:`.length + 32]))
  expect(keys.join('')).not.toContain('{')
  for (const key of keys) expect(await client.pttl(key)).toBeGreaterThan(0)
})

test('a client of node-redis will do, beside one of ioredis', async () => {
  const client = createClient({ url: server.url })
  onTestFinished(() => client.destroy())
  await client.connect()
  const [one, two, key] = [redisDedupe({ client, prefix: server.prefix }), storeOf(server.url, server.prefix), anyKey()]
  expect(await one.claim(key, 'one', 60_000)).toBe('claimed')
  expect(await two.claim(key, 'two', 60_000)).toBe('running')
  await one.renew([key], 'one', 60_000)
  await one.settle(key, 60_000)
  expect(await two.claim(key, 'two', 60_000)).toBe('settled')
})

test('in a cluster, keys are spread over its primaries', async ({ skip }) => {
  const cluster = (await startRedisCluster()) ?? skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => cluster.stop())
  const client = new Cluster([...cluster.urls])
  onTestFinished(() => client.disconnect())
  const store = redisDedupe({ client })
  const keys = Array.from({ length: 60 }, anyKey)
  await Promise.all(keys.map((key) => store.claim(key, 'owner', 60_000)))
  await store.renew(keys, 'owner', 60_000)
  for (const url of cluster.urls) expect(await clientOf(url).dbsize()).toBeGreaterThan(5)
  expect(new Set(await Promise.all(keys.map((key) => store.claim(key, 'other', 60_000))))).toEqual(new Set(['running']))
})

test('Redis killed and restarted: nothing is handled without it, nor what was handled before', async ({ skip }) => {
  const redis = (await startRedis({ appendonly: true })) ?? skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => redis.stop())
  const queue = unique('restart')
  const handled: number[] = []
  const consumers = await Promise.all(
    [1, 2].map(async () => {
      const mq = await open(vhost.url)
      const store = storeOf(redis.url, 'restart', 500)
      return mq.consume(queue, [on(note, ({ payload: { n } }) => void handled.push(n))], { dedupe: { store } })
    }),
  )
  const stats = (what: 'handled' | 'suppressed' | 'held') => consumers.reduce((sum, c) => sum + c.stats()[what], 0)
  const channel = await rawChannel(vhost.url)
  publishCopy(channel, queue, 1)
  await poll(() => stats('handled') === 1, { what: 'the first', timeoutMs: 30_000 })
  await redis.kill()
  for (const n of [1, 2, 2]) publishCopy(channel, queue, n)
  await poll(() => stats('held') === 3, { what: 'all to wait', timeoutMs: 30_000 })
  expect(handled).toEqual([1])
  await redis.restart()
  await poll(() => stats('suppressed') === 2, { what: 'the copies', timeoutMs: 60_000 })
  expect(handled).toEqual([1, 2])
})

test('a lease that Redis has forgotten is its owner’s again when it is renewed', async () => {
  const [store, client, key] = [storeOf(server.url, `${server.prefix}-amnesia`), clientOf(server.url), anyKey()]
  await store.claim(key, 'owner', 60_000)
  await client.del(...(await client.keys(`${server.prefix}-amnesia*`)))
  await store.renew([key], 'owner', 60_000)
  expect(await store.claim(key, 'other', 60_000)).toBe('running')
})

test('a Redis that does not answer, or is not there, is a STORE_ERROR in time', async () => {
  const proxy = await TcpProxy.to(server.url)
  onTestFinished(() => proxy.close())
  const store = storeOf(proxy.url(), server.prefix, 300)
  await store.claim(anyKey(), 'owner', 60_000)
  proxy.freeze()
  await failsInTime(store)
  proxy.refuse()
  proxy.cut()
  await failsInTime(store)
})

async function failsInTime(store: DedupeStore): Promise<void> {
  const from = performance.now()
  const key = anyKey()
  const calls = [
    store.claim(key, 'o', 1000),
    store.renew([key], 'o', 1000),
    store.settle(key, 1000),
    store.release(key, 'o'),
  ]
  const errors = await Promise.all(calls.map((call) => failure(call)))
  expect(errors.map((error) => (error as { code?: unknown }).code)).toEqual(Array(4).fill('STORE_ERROR'))
  expect(performance.now() - from).toBeLessThan(5000)
}

function storeOf(url: string, prefix: string, timeoutMs?: number): DedupeStore {
  return redisDedupe({ client: clientOf(url), prefix, timeoutMs })
}

function clientOf(url: string): Redis {
  const client = new Redis(url)
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}
