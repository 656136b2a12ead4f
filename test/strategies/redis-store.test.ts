import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivateRedisCluster } from '../../scripts/services/private-redis-cluster.js'
import { silent } from '../../src/base/logger.js'
import type { RedisClient } from '../../src/strategies/redis/clients/client.js'
import { portOf } from '../../src/strategies/redis/clients/port-of.js'
import { RedisStore } from '../../src/strategies/redis/redis-store.js'
import type { MessageStore } from '../../src/strategies/store/message-store.js'
import { NO_REDIS_PROGRAMS, startRedisCluster, useRedis } from '../support/redis.js'
import { unique } from './recorder.js'
import { failure } from '../support/mq.js'
import { poll } from '../support/broker.js'
import type { DuequeError } from '../../src/index.js'
import { firstOf } from '../../src/strategies/redis/entry.js'
import { waitlistMethods } from '../../src/schedule/waitlist-methods.js'
import { FILTER_CASES } from './filter-cases.js'
import { RETRIED_CASES } from './retried-cases.js'
import { message, STORE_CASES } from './store-cases.js'

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
  'Redis of ioredis with numbers as texts': () => {
    const client = new Redis(server.url, { stringNumbers: true })
    return { client, close: () => client.quit() }
  },
  'createClient of redis in RESP3 with types of its own': async () => {
    const client = createClient({
      url: server.url,
      RESP: 3,
      commandOptions: { typeMapping: { [58]: String, [36]: Buffer } },
    })
    await client.connect()
    return { client: client as never, close: () => client.close() }
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

    for (const [title, run] of Object.entries({ ...STORE_CASES, ...FILTER_CASES, ...RETRIED_CASES })) {
      test(title, async ({ skip }) => {
        if (!opened) return skip(NO_REDIS_PROGRAMS)
        const { client } = opened
        const prefix = unique(server.prefix)
        const open = async (): Promise<MessageStore> => {
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

describe('the content of Redis', () => {
  let client: Redis
  beforeAll(() => {
    client = new Redis(server.url)
  })
  afterAll(() => client.quit())

  async function open(told: DuequeError[] = [], through: RedisClient = client, warned: string[] = []) {
    const prefix = unique(server.prefix)
    const store = new RedisStore({ port: portOf(through), prefix, timeoutMs: 10_000 })
    const logger = { ...silent, warn: (text: string) => warned.push(text) }
    await store.open({ logger, onError: (error) => told.push(error) })
    onTestFinished(() => store.close())
    const key = (name: string) => `{${prefix}}:${name}`
    return { store, key }
  }

  test('invalid values are left alone, and stop no relay', async () => {
    const told: DuequeError[] = []
    const { store, key } = await open(told)
    const fine = message({ id: 'fine' })
    await store.add(fine, {})
    const value = (json: unknown) => Buffer.from(`12345678${JSON.stringify(json)}\nbody`)
    const head = [1, 'queue:q', 'n', 'i', 1, 1000]
    const values = [
      Buffer.from('junk'),
      value([2, ...head.slice(1), {}]),
      value([...head, { destination: null }]),
      value([...head, { headers: 7 }]),
      value([...head, null]),
    ]
    for (const [i, one] of values.entries()) {
      const field = Buffer.alloc(14, i)
      await client.hset(key('messages'), field, one)
      await client.zadd(key('waiting'), i === 0 ? '-inf' : 1, field)
    }
    // A tag of another message: the entry would be found, but could not be cancelled.
    await client.hset(key('messages'), firstOf('i'), value([...head, {}]))
    await client.zadd(key('waiting'), 'inf', firstOf('i'))
    expect(await store.find('i')).toEqual([])
    expect((await store.list({}, { limit: 10 })).map(({ id }) => id)).toEqual(['fine'])
    // Entries are counted without a look at them. No message has an infinite time.
    expect(await store.countBy({}, 60_000)).toEqual([{ from: 0, count: values.length }])
    const request = { now: 1000, limit: 100, leaseMs: 60_000 }
    const { claimed, nextAt } = await store.claim(request)
    expect(claimed.map((one) => one.message.id)).toEqual(['fine'])
    expect(nextAt).not.toBeNaN()
    expect(told).toMatchObject([{ code: 'STORED_MESSAGE_UNREADABLE', data: { store: 'redis' } }])
    await store.settle(claimed)
    const given = () => client.zcard(key('claimed'))
    await poll(async () => (await given()) === 0, { what: 'them to be given back' })
    expect((await store.claim(request)).claimed).toEqual([])
    expect(await client.hlen(key('messages'))).toBe(6)
    const rival = message({ id: 'i' })
    const ignored = await store.add(rival, { onConflict: 'ignore' }).catch((error: unknown) => error)
    expect(ignored).toMatchObject({ code: 'STORED_MESSAGE_UNREADABLE', outcome: 'refused' })
  })

  test.each(['x', undefined])('a definition whose revision is none is reported, and replaced (%s)', async (text) => {
    const told: DuequeError[] = []
    const { store, key } = await open(told)
    await client.hset(key('recurring'), 'x', `9007199254740993:${text ?? ''}`)
    await client.zadd(key('recurring:ids'), 0, 'x')
    const { definitions } = store
    expect(await definitions.get('x')).toBeUndefined()
    expect((await definitions.page({ idPrefix: '', after: undefined, limit: 9 })).records).toEqual([])
    expect(told).toMatchObject([{ code: 'STORED_MESSAGE_UNREADABLE', data: { keys: [`${key('recurring')} x`] } }])
    const record = { id: 'x', revision: 7, definition: '{}' }
    expect(await definitions.write(record)).toBeUndefined()
    expect(await definitions.get('x')).toEqual(record)
    // The greatest one of all is one.
    const greatest = { ...record, revision: Number.MAX_SAFE_INTEGER }
    expect(await definitions.write(greatest)).toEqual(record)
    expect(await definitions.write(record)).toEqual(greatest)
  })

  test('claimed messages that vanish are reported, and so is an entry without a message', async () => {
    const told: DuequeError[] = []
    const { store, key } = await open(told)
    for (const id of ['a', 'b', 'c', 'd']) await store.add(message({ id }), {})
    const { claimed } = await store.claim({ now: 1000, limit: 3, leaseMs: 60_000 })
    await client.del(key('messages'), key('claimed'))
    await store.postpone(claimed.slice(0, 1), 2000)
    await store.settle(claimed.slice(1))
    expect(told).toMatchObject([{ code: 'STORED_MESSAGE_MISSING', data: { store: 'redis', count: 1 } }])
    expect((await store.claim({ now: 1000, limit: 3, leaseMs: 60_000 })).claimed).toEqual([])
    expect(store.faults()).toEqual({ unreadable: 0, missing: 4 })
    await store.add(message({ id: 'e' }), {})
    const short = await store.claim({ now: 1000, limit: 1, leaseMs: 1 })
    const over = Date.now() + 2
    await poll(() => Date.now() > over, { what: 'the lease to be over' })
    await client.del(key('messages'), key('claimed'))
    await store.settle(short.claimed)
    expect(store.faults().missing).toBe(4)
  })

  test('the reschedule of a message that cannot be changed fails instead of looping', async () => {
    const { store } = await open()
    await store.add(message({ id: 'x', dueAt: Date.now() + 3_600_000 }), {})
    vi.spyOn(store, 'replace').mockResolvedValue(false)
    const methods = waitlistMethods(store, store, () => Date.now())
    expect(await failure(methods.reschedule('x', { in: '2h' }))).toMatchObject({ code: 'STORE_ERROR' })
  })

  test('a client that changes answers is refused', async () => {
    const odd = new Redis(server.url)
    onTestFinished(() => odd.disconnect())
    const changed = odd as unknown as { evalshaBuffer: (...args: unknown[]) => Promise<unknown> }
    const evaluate = changed.evalshaBuffer.bind(odd)
    changed.evalshaBuffer = async (...args) => {
      const reply = await evaluate(...args)
      return Array.isArray(reply) ? reply.map(String) : reply
    }
    const error = await open([], odd).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'STORE_NOT_READY' })
    expect((error as Error).message).toContain('the client changes')
  })

  test('without an append-only file, opening the store logs a warning', async () => {
    const warned: string[] = []
    await open([], client, warned)
    const isOff = (await client.config('GET', 'appendonly'))[1] === 'no'
    expect(warned.filter((text) => text.startsWith('appendonly is no'))).toHaveLength(isOff ? 1 : 0)
  })
})
