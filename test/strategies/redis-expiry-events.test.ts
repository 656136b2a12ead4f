import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { PrivateRedisCluster } from '../../scripts/services/private-redis-cluster.js'
import { connect, type Dueque } from '../../src/index.js'
import { redisExpiry, type RedisClient, type RedisExpiryOptions } from '../../src/strategies/redis/index.js'
import { poll, useVhost } from '../support/broker.js'
import { moveSlot } from '../support/move-slot.js'
import { failure } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis, startRedisCluster, useRedis } from '../support/redis.js'
import { Recorder, scheduleNotes, unique } from './recorder.js'

const vhost = useVhost()
const server = useRedis()
let client: Redis
beforeAll(() => {
  client = new Redis(server.url)
})
afterAll(async () => {
  await client.quit()
})

/** Only events wake the relay. */
const NO_SWEEP = { sweepMs: 3_600_000 }

async function opened(options: RedisExpiryOptions) {
  const mq = await connect({ url: vhost.url, strategy: redisExpiry(options) })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

/** Asserts that each message arrives once, and not early. */
async function arrive(mq: Dueque, delays = [300, 700, 1500]): Promise<void> {
  const queue = unique('driven')
  await scheduleNotes(mq, queue, delays)
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(delays.length)
  expect(recorder.early).toEqual([])
  expect(recorder.numbers.toSorted((a, b) => a - b)).toEqual(delays.map((_, n) => n))
}

describe('events', () => {
  const prefix = () => `${server.prefix}-events`

  test('trigger the hand-over, an hour before the next sweep', async () => {
    await arrive(await opened({ client, prefix: prefix(), ...NO_SWEEP }))
  })

  test('of other keys and other prefixes wake no relay', async () => {
    const mq = await opened({ client, prefix: prefix(), ...NO_SWEEP })
    const foreign = `{${prefix()}}:due:nonsense`
    await client.set(foreign, 1, 'PX', 50)
    await client.set(`${unique(server.prefix)}:0`, 1, 'PX', 50)
    await arrive(mq)
  })

  test('follow their messages: none of a cancelled one, a new one of a rescheduled one', async () => {
    const own = unique(server.prefix)
    const mq = await opened({ client, prefix: own, ...NO_SWEEP })
    const triggers = () => client.keys(`{${own}}:due:*`)
    const queue = unique('kept')
    const [first, second] = await scheduleNotes(mq, queue, [3_600_000, 7_200_000])
    expect(await triggers()).toHaveLength(2)
    await mq.cancel(first!)
    expect((await triggers()).map((key) => key.split(':')[2])).toEqual([String(Date.parse(second!.dueAt))])
    const sooner = await mq.reschedule(second!, { in: 1500 })
    const [trigger, ...others] = await triggers()
    expect(others).toEqual([])
    expect(trigger!.split(':')[2]).toBe(String(Date.parse(sooner!.dueAt)))
    expect(await client.pttl(trigger!)).toBeLessThanOrEqual(1500)
    const recorder = await Recorder.on(mq, queue)
    await recorder.has(1)
    expect(recorder.early).toEqual([])
    await poll(async () => (await triggers()).length === 0, { what: 'no trigger', timeoutMs: 10_000 })
  })

  const clients: Record<string, () => Promise<{ client: RedisClient; close: () => unknown }>> = {
    'Redis of ioredis with a key prefix': () => {
      const prefixed = new Redis(server.url, { keyPrefix: `${server.prefix}-more:`, enableAutoPipelining: true })
      return Promise.resolve({ client: prefixed, close: () => prefixed.quit() })
    },
    'createClient of redis': async () => {
      const redis = createClient({ url: server.url })
      await redis.connect()
      return { client: redis, close: () => redis.close() }
    },
    'createClient of redis with RESP3': async () => {
      const redis = createClient({ url: server.url, RESP: 3 })
      await redis.connect()
      return { client: redis, close: () => redis.close() }
    },
  }
  test.each(Object.entries(clients))('are received with %s', async (_name, make) => {
    const own = await make()
    onTestFinished(async () => {
      await own.close()
    })
    const mq = await connect({
      url: vhost.url,
      strategy: redisExpiry({ client: own.client, prefix: prefix(), ...NO_SWEEP }),
    })
    await arrive(mq).finally(() => mq.close())
  })
})

describe('in a cluster', () => {
  let cluster: PrivateRedisCluster | undefined
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster?.stop())

  const clients: Record<string, (urls: string[]) => Promise<{ client: RedisClient; close: () => unknown }>> = {
    'Cluster of ioredis': (urls) => {
      const redis = new Cluster(urls)
      return Promise.resolve({ client: redis, close: () => redis.quit() })
    },
    'createCluster of redis': async (urls) => {
      const redis = createCluster({ rootNodes: urls.map((url) => ({ url })) })
      redis.on('error', () => undefined)
      await redis.connect()
      return { client: redis, close: () => redis.close() }
    },
  }

  for (const [name, make] of Object.entries(clients)) {
    test(`events of the primary that has the slot are received with ${name}`, async ({ skip }) => {
      if (!cluster) return skip(NO_REDIS_PROGRAMS)
      const own = await make(cluster.urls)
      // Three prefixes of three slots, one of each primary.
      for (const prefix of ['a', 'b', 'c']) {
        const mq = await connect({ url: vhost.url, strategy: redisExpiry({ client: own.client, prefix, ...NO_SWEEP }) })
        await arrive(mq).finally(() => mq.close())
      }
      await own.close()
    })

    test(`events of a primary that joined later are received with ${name}`, async ({ skip }) => {
      const cluster = (await startRedisCluster()) ?? skip(NO_REDIS_PROGRAMS)
      onTestFinished(() => cluster.stop())
      const joined = (await startRedis({ config: { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' } }))!
      onTestFinished(() => joined.stop())
      const own = await make(cluster.urls)
      const mq = await connect({ url: vhost.url, strategy: redisExpiry({ client: own.client, ...NO_SWEEP }) })
      await arrive(mq)
      await moveSlot(cluster, joined, '{dueque}:waiting')
      await arrive(mq, [3000]).finally(() => mq.close())
      await own.close()
    })
  }
})

describe('notify-keyspace-events', () => {
  const flagsOf = async (redis: Redis) => (await redis.config('GET', 'notify-keyspace-events'))[1]!

  const sorted = async (redis: Redis) => (await flagsOf(redis)).split('').sort().join('')

  /** A private Redis, and a client of a user with all rights except those that the rules remove. */
  async function startOwn(skip: (why: string) => never, flags: string, ...rules: string[]) {
    const own = (await startRedis({ config: { 'notify-keyspace-events': `"${flags}"` } })) ?? skip(NO_REDIS_PROGRAMS)
    const admin = new Redis(own.url)
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', ...rules)
    const app = new Redis(own.url.replace('//', '//app:secret@'))
    onTestFinished(async () => {
      for (const one of [app, admin]) one.disconnect()
      await own.stop()
    })
    return { own, admin, app }
  }

  test('gets the missing flags, and keeps the others', async ({ skip }) => {
    const { admin, app } = await startOwn(skip, 'Kl')
    await arrive(await opened({ client: app, ...NO_SWEEP }))
    expect(await sorted(admin)).toBe('EKlx')
  })

  test('is not changed if it suffices or if that is switched off: STORE_NOT_READY says what to set', async ({
    skip,
  }) => {
    const { admin, app } = await startOwn(skip, 'AE', '-config|set')
    await arrive(await opened({ client: app, ...NO_SWEEP }))
    await admin.config('SET', 'notify-keyspace-events', 'Kl')
    const refused = await failure(opened({ client: admin, configure: false }))
    expect(refused).toMatchObject({ code: 'STORE_NOT_READY' })
    expect(String(refused)).toMatch(/CONFIG SET notify-keyspace-events [Kl]{2}Ex/)
    expect(await sorted(admin)).toBe('Kl')
  })

  test('that may not be set is STORE_NOT_READY, as is a channel without the right to subscribe', async ({ skip }) => {
    const { admin, app } = await startOwn(skip, '', '-config|set')
    const refused = await failure(opened({ client: app }))
    expect(refused).toMatchObject({ code: 'STORE_NOT_READY' })
    expect(String(refused)).toMatch(/may not be set .*CONFIG SET notify-keyspace-events Ex/)
    await admin.call('ACL', 'SETUSER', 'app', '+config|set', 'resetchannels')
    const deaf = await failure(opened({ client: app }))
    expect(deaf).toMatchObject({ code: 'STORE_NOT_READY' })
    expect(String(deaf)).toContain('cannot subscribe to __keyevent@*__:expired')
    expect(String(refused) + String(deaf)).not.toContain('secret')
  })

  test('that cannot be read is a warning', async ({ skip }) => {
    const { app } = await startOwn(skip, 'Ex', '-config')
    const warnings: string[] = []
    const none = () => undefined
    const logger = { debug: none, info: none, error: none, warn: (text: string) => void warnings.push(text) }
    const strategy = redisExpiry({ client: app, ...NO_SWEEP })
    const mq = await connect({ url: vhost.url, strategy, logger })
    onTestFinished(() => mq.close())
    expect(warnings.join()).toContain('cannot see notify-keyspace-events')
    await arrive(mq)
  })

  test('that is switched off while running makes messages late by up to the sweep, and loses none', async ({
    skip,
  }) => {
    const { admin, app } = await startOwn(skip, '')
    const mq = await opened({ client: app, sweepMs: 1500 })
    await admin.config('SET', 'notify-keyspace-events', '')
    await arrive(mq)
  })

  test('is set again after a restart of Redis', async ({ skip }) => {
    const { own, app } = await startOwn(skip, '')
    const user = app.options
    expect(user.username).toBe('app')
    const plain = new Redis(own.url)
    plain.on('error', () => undefined)
    onTestFinished(() => plain.disconnect())
    const mq = await opened({ client: plain, ...NO_SWEEP })
    app.disconnect()
    await own.kill()
    await own.restart()
    await poll(async () => (await flagsOf(plain)) === 'xE', { what: 'the setting', timeoutMs: 30_000 })
    await arrive(mq)
  })
})
