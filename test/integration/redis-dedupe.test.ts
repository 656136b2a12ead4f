import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import type { DedupeStore } from '../../src/index.js'
import { redisDedupe } from '../../src/strategies/redis/index.js'
import { useVhost } from '../support/broker.js'
import { failure } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis, startRedisCluster, useRedis } from '../support/redis.js'
import { anyKey, dedupeCases, failsInTime, survivesItsStore } from './dedupe-cases.js'

vi.setConfig({ testTimeout: 120_000 })
const vhost = useVhost()
const server = useRedis()

dedupeCases({
  name: 'redis',
  url: () => vhost.url,
  make: () => storeOf(server.url, server.prefix),
  child: () => ['redis', server.url, server.prefix],
})

test('keys have a fixed length, expire, and stay in the cluster slot of their text', async () => {
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

test('a client of node-redis works as well as one of ioredis', async () => {
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

test('Redis is killed and restarted: no message is handled without it, and none twice', async ({ skip }) => {
  const redis = (await startRedis({ appendonly: true })) ?? skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => redis.stop())
  await survivesItsStore(vhost.url, redis, () => storeOf(redis.url, 'restart', 500))
})

test('renewing a lease that Redis lost restores it to its owner', async () => {
  const [store, client, key] = [storeOf(server.url, `${server.prefix}-amnesia`), clientOf(server.url), anyKey()]
  await store.claim(key, 'owner', 60_000)
  await client.del(...(await client.keys(`${server.prefix}-amnesia*`)))
  await store.renew([key], 'owner', 60_000)
  expect(await store.claim(key, 'other', 60_000)).toBe('running')
})

test('a Redis that is silent or unreachable is a STORE_ERROR in time', async () => {
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

test('numbers may arrive as text, and an answer that the client changed is refused', async () => {
  const client = new Redis(server.url, { stringNumbers: true })
  onTestFinished(() => client.disconnect())
  const [store, key] = [redisDedupe({ client, prefix: server.prefix }), anyKey()]
  expect(await store.claim(key, 'one', 60_000)).toBe('claimed')
  expect(await store.claim(key, 'two', 60_000)).toBe('running')
  const changed = client as unknown as { evalshaBuffer: () => Promise<unknown> }
  changed.evalshaBuffer = () => Promise.resolve({ odd: true })
  expect(await failure(store.claim(key, 'two', 60_000))).toMatchObject({ code: 'STORE_ERROR' })
})

function storeOf(url: string, prefix: string, timeoutMs?: number): DedupeStore {
  return redisDedupe({ client: clientOf(url), prefix, timeoutMs })
}

function clientOf(url: string): Redis {
  const client = new Redis(url)
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}
