import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { PrivateRedis } from '../../scripts/services/private-redis.js'
import { connect, isDuequeError, type ConnectOptions, type Dueque, type WaitingMethods } from '../../src/index.js'
import { silent } from '../../src/base/logger.js'
import { redis, redisDedupe, redisExpiry } from '../../src/strategies/redis/index.js'
import type { RedisClient } from '../../src/strategies/redis/clients/client.js'
import type { StoreStrategy } from '../../src/strategies/store/store-strategy.js'
import { poll, useVhost } from '../support/broker.js'
import { failure } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis } from '../support/redis.js'
import { openWorld } from './amqp-world.js'
import { Recorder, note, unique } from './recorder.js'

const vhost = useVhost()
let server: PrivateRedis | undefined
let admin: Redis
beforeAll(async () => {
  server = await startRedis()
  if (server) admin = new Redis(server.url)
})
afterAll(async () => {
  admin?.disconnect()
  await server?.stop()
})

/** The users of the guide by name, with the rules of each, step by step. */
const guide = readFileSync(new URL('../../docs/guides/redis.md', import.meta.url), 'utf8')
const SETTINGS = [...guide.matchAll(/^ACL SETUSER (\w+) (.*)$/gm)].map(([, user, rules]) => ({
  user,
  rules: rules ?? '',
}))
const rulesOf = (user: string) => SETTINGS.filter((one) => one.user === user).map(({ rules }) => rules.split(' '))

/** A user with these rules, and its URL. */
async function userWith(rules: readonly string[]): Promise<string> {
  const user = unique('user')
  await admin.call('ACL', 'SETUSER', user, ...rules)
  const url = new URL(server!.url)
  url.username = user
  url.password = 'secret'
  return url.href
}

function ioredisAt(url: string): Redis {
  const client = new Redis(url)
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}

const CLIENTS: { name: string; client: (url: string) => RedisClient | Promise<RedisClient> }[] = [
  { name: 'ioredis', client: ioredisAt },
  {
    name: 'node-redis',
    async client(url) {
      const client = createClient({ url })
      client.on('error', () => undefined)
      await client.connect()
      onTestFinished(() => client.destroy())
      return client
    },
  },
]

type Waiting = Dueque<StoreStrategy> & WaitingMethods

async function open(strategy: StoreStrategy, more: Partial<ConnectOptions> = {}): Promise<Waiting> {
  const mq = await connect({ url: vhost.url, ...more, strategy })
  onTestFinished(() => mq.close())
  return mq
}

/** So long that the backstop does not find the messages of this test. */
const relay = { backstopMs: 60_000 }

describe('the rights of the guide', () => {
  test.for(CLIENTS)('are sufficient for redis(), with $name', async ({ client }, { skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    const url = await userWith(rulesOf('dueque')[0]!)
    const mq = await open(redis({ client: await client(url), relay }))
    await useAll(mq)
    await hears(mq, await open(redis({ client: await client(url), relay: false })))
  })

  test.for(CLIENTS)(
    'may be revoked from a listener, with $name: it receives again when they are back',
    async (one, { skip }) => {
      if (!server) return skip(NO_REDIS_PROGRAMS)
      const unhandled: unknown[] = []
      const add = (error: unknown) => unhandled.push(error)
      process.on('unhandledRejection', add)
      onTestFinished(() => void process.off('unhandledRejection', add))
      const url = await userWith(rulesOf('dueque')[0]!)
      const mq = await open(redis({ client: await one.client(url), relay }))
      const other = await open(redis({ client: await one.client(url), relay: false }))
      await hears(mq, other)
      const { username } = new URL(url)
      await admin.call('ACL', 'LOG', 'RESET')
      await admin.call('ACL', 'SETUSER', username, 'resetchannels')
      const refused = async () => JSON.stringify(await admin.call('ACL', 'LOG')).includes('{dueque}:earliest')
      await poll(refused, { what: 'it to subscribe without the right', timeoutMs: 20_000 })
      await admin.call('ACL', 'SETUSER', username, '&{dueque}:earliest')
      await admin.call('CLIENT', 'KILL', 'USER', username)
      const subscribed = async () => Number((await admin.pubsub('NUMSUB', '{dueque}:earliest'))[1]) > 0
      await poll(subscribed, { what: 'it to subscribe again', timeoutMs: 20_000 })
      await hears(mq, other)
      expect(unhandled).toEqual([])
    },
  )

  test('are sufficient for redisExpiry() and redisDedupe()', async ({ skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    const expiry = ioredisAt(await userWith(rulesOf('dueque').flat()))
    await useAll(await open(redisExpiry({ client: expiry })))
    const store = redisDedupe({ client: ioredisAt(await userWith(rulesOf('dedupe').flat())) })
    expect(await store.claim('k', 'a', 5000)).toBe('claimed')
    await store.renew(['k'], 'a', 5000)
    await store.release('k', 'a')
    await store.settle('k', 5000)
    expect(await store.claim('k', 'b', 5000)).toBe('settled')
  })

  /** Optional commands: without them it works with fewer features. */
  const DISPENSABLE = ['+eval', '+info', '+publish', '+subscribe']

  test('are all necessary: without any one of them, a call is refused with an error', async ({ skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    const [rules] = rulesOf('dueque')
    const needed = rules!.filter((rule) => rule.startsWith('+') && !DISPENSABLE.includes(rule))
    expect(needed).toHaveLength(14)
    const all = await open(redis({ client: ioredisAt(await userWith(rules!)), relay: false }))
    for (const left of needed) {
      await admin.del('{dueque}:waiting', '{dueque}:claimed', '{dueque}:messages', '{dueque}:more')
      // Entries for every path of the scripts, permitted or not.
      await all.schedule(note, { n: 0 }, { to: { queue: unique('all') }, in: '1h', id: 'there', declare: true })
      const client = ioredisAt(await userWith(rules!.filter((rule) => rule !== left)))
      const told: string[] = []
      // Other warnings are about the settings of the server.
      const warn = (_: string, data?: { error?: string }) => {
        if (data?.error !== undefined) told.push(data.error)
      }
      let mq: Waiting | undefined
      try {
        mq = await open(redis({ client }), { logger: { ...silent, warn } })
        await useAll(mq, 1000)
      } catch (error) {
        // The logger reports what the relay may not do; its messages are late then.
        if (isDuequeError(error)) {
          expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused', data: { denied: true } })
          told.push(String(error))
        } else if (!String(error).includes('deliveries')) throw error
      }
      // A delivered message is settled afterwards, which the user may not do.
      await poll(() => told.length > 0, { what: `a refusal without ${left}`, timeoutMs: 20_000 })
      // Its relay would run the commands that the next one may not.
      await mq?.close()
      expect(told[0], left).toMatch(/^(DuequeError: )?Redis: .*(NOPERM|ACL failure|can't run this command)/)
    }
  }, 120_000)

  test('for one prefix do not cover another: connect fails', async ({ skip }) => {
    if (!server) return skip(NO_REDIS_PROGRAMS)
    const client = ioredisAt(await userWith(rulesOf('dueque')[0]!))
    const error = await failure(connect({ url: vhost.url, strategy: redis({ client, prefix: 'other' }) }))
    expect(error).toMatchObject({ code: 'STORE_ERROR', outcome: 'refused' })
    expect((error as Error).message).toContain('NOPERM')
  })
})

/** Asserts that a schedule of another process wakes the relay, which nothing else wakes. */
async function hears(relaying: Waiting, other: Waiting): Promise<void> {
  const queue = unique('heard')
  await other.schedule(note, { n: 1 }, { to: { queue }, in: 300, declare: true })
  const recorder = await Recorder.on(relaying, queue)
  await recorder.has(1, 10_000)
}

/** Runs each script through all of its paths. */
async function useAll(mq: Waiting, timeoutMs = 10_000): Promise<void> {
  const queue = unique('rights')
  const to = { queue }
  await openWorld(vhost.url).declareQueue(queue)
  const recorder = await Recorder.on(mq, queue)
  const id = unique('id')
  await mq.schedule(note, { n: 1 }, { to, in: '1h', id })
  await mq.schedule(note, { n: 2 }, { to, in: '2h', id })
  await mq.schedule(note, { n: 3 }, { to, in: '1h', id, onConflict: 'replace' })
  expect((await mq.get(id))?.payload).toEqual({ n: 3 })
  expect(await mq.count({ name: 'test.note' })).toBeGreaterThan(0)
  expect(await mq.count()).toBeGreaterThan(0)
  const page = await mq.list({ limit: 1 })
  await mq.list({ limit: 1, cursor: page.cursor })
  const rescheduled = await mq.reschedule(id, { in: '3h' })
  expect(await mq.cancel(rescheduled!)).toBe('cancelled')
  const definitions = mq.strategy.definitions
  await definitions.write({ id, revision: 1, definition: '{}' })
  const ids: string[] = []
  for await (const one of definitions.all()) ids.push(one.id)
  expect(ids).toContain(id)
  // By its revision, it was removed in 1970, and is forgotten.
  await definitions.write({ id, revision: 2, definition: undefined })
  expect(await definitions.get(id)).toBeUndefined()
  await Promise.all([mq.schedule(note, { n: 4 }, { to, in: 200 }), mq.schedule(note, { n: 5 }, { to, in: 200 })])
  await recorder.has(2, timeoutMs)
}
