import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import type { PrivateRedisCluster } from '../../scripts/services/private-redis-cluster.js'
import { silent } from '../../src/logger.js'
import { portOf, type RedisClient } from '../../src/strategies/redis/client.js'
import { RedisStore } from '../../src/strategies/redis/redis-store.js'
import type { Store } from '../../src/strategies/store.js'
import { NO_REDIS_PROGRAMS, startRedisCluster, useRedis } from '../support/redis.js'
import { unique } from './recorder.js'
import { STORE_CASES } from './store-cases.js'

const server = useRedis()
let cluster: PrivateRedisCluster | undefined
beforeAll(async () => {
  cluster = await startRedisCluster()
  await cluster?.whole()
})
afterAll(() => cluster?.stop())

interface Opened {
  client: RedisClient
  close: () => unknown
}

const CLIENTS: Record<string, () => Opened | Promise<Opened>> = {
  'Redis of ioredis': () => {
    const client = new Redis(server.url)
    return { client, close: () => client.quit() }
  },
  'Redis of ioredis with a key prefix': () => {
    const client = new Redis(server.url, { keyPrefix: `${server.prefix}-more:`, enableAutoPipelining: true })
    return { client, close: () => client.quit() }
  },
  'createClient of redis': async () => {
    const client = createClient({ url: server.url })
    await client.connect()
    return { client, close: () => client.close() }
  },
  'Cluster of ioredis': () => {
    const client = new Cluster(cluster!.urls)
    return { client, close: () => client.quit() }
  },
  'createCluster of redis': async () => {
    const client = createCluster({ rootNodes: cluster!.urls.map((url) => ({ url })) })
    await client.connect()
    return { client, close: () => client.close() }
  },
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  describe(name, () => {
    let opened: Opened | undefined
    beforeAll(async () => {
      if (cluster || !/cluster/i.test(name)) opened = await connect()
    })
    afterAll(() => opened?.close())

    for (const [title, run] of Object.entries(STORE_CASES)) {
      test(title, async ({ skip }) => {
        if (!opened) return skip(NO_REDIS_PROGRAMS)
        const { client } = opened
        const prefix = unique(server.prefix)
        const open = async (): Promise<Store> => {
          const store = new RedisStore({ port: portOf(client), prefix, timeoutMs: 10_000 })
          await store.open({ logger: silent, onError: () => undefined })
          onTestFinished(() => store.close())
          return store
        }
        await run({ store: await open(), again: open })
      })
    }
  })
}
