import { Redis } from 'ioredis'
import { connect } from 'dueque'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { redis } from '../../src/strategies/redis/index.js'
import { poll, useVhost } from '../support/broker.js'
import { rawChannel } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis, startRedisCluster, useRedis } from '../support/redis.js'
import { depth } from '../support/parked.js'
import { note } from '../strategies/recorder.js'
import { documents, start, unique } from './dueque.js'

const vhost = useVhost()
const server = useRedis()
let client: Redis
beforeAll(() => {
  client = new Redis(server.url)
})
afterAll(() => client.quit())

const HEALTH = ['--health-port', '0', '--json']

/** A ready relay, and the URL of its health. */
async function startRelay(url: string, ...args: string[]) {
  const relay = start(['relay', ...HEALTH, ...args], {
    AMQP_URL: vhost.url,
    DUEQUE_REDIS_URL: url,
    DUEQUE_REDIS_PREFIX: server.prefix,
  })
  let out = ''
  relay.child.stdout.on('data', (text: string) => (out += text))
  await relay.printed(1)
  const [{ healthPort }] = documents(out) as [{ healthPort: number }]
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${healthPort}/`)
    return { status: response.status, ...((await response.json()) as object) } as Record<string, unknown>
  }
  return { ...relay, health, healthPort }
}

/** Schedules through a process without a relay. */
async function schedule(redisClient: unknown, queue: string, delays: readonly number[]): Promise<void> {
  const strategy = redis({ client: redisClient as Redis, prefix: server.prefix, relay: false })
  const mq = await connect({ url: vhost.url, strategy })
  await Promise.all(delays.map((delay, n) => mq.schedule(note, { n }, { to: { queue }, in: delay, declare: true })))
  await mq.close()
}

test('hands over due messages, reports its health, and ends on SIGTERM', async () => {
  const queue = unique('relayed')
  const relay = await startRelay(server.url)
  expect(await relay.health()).toMatchObject({ status: 200, ok: true, producer: 'up', store: 'up' })
  expect((await fetch(`http://127.0.0.1:${relay.healthPort}/metrics`)).status).toBe(404)
  // Another address of this host, like that of its network: no server listens there.
  await expect(fetch(`http://127.0.0.2:${relay.healthPort}/`)).rejects.toThrow()
  await schedule(client, queue, [3000, 3500, 4000, 3_600_000])
  const channel = await rawChannel(vhost.url)
  await poll(async () => (await depth(channel, queue)) === 3, { what: 'three messages', timeoutMs: 30_000 })
  expect(await relay.health()).toMatchObject({ status: 200, relay: { relayed: 3, underWay: 0 } })
  relay.child.kill('SIGTERM')
  const { code, stdout, stderr } = await relay.ended
  const unexpected = stderr.split('\n').filter((line) => line !== '' && !line.includes('appendonly'))
  expect({ code, unexpected }).toEqual({ code: 0, unexpected: [] })
  expect(documents(stdout).at(-1)).toEqual({ relay: 'stopped', relayed: 3 })
})

test('answers 503 while its store is away, and recovers when it is back', async ({ skip }) => {
  const own = await startRedis({ appendonly: true })
  if (!own) return skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => own.stop())
  const ownClient = new Redis(own.url)
  ownClient.on('error', () => undefined)
  onTestFinished(() => ownClient.disconnect())
  const queue = unique('away')
  const relay = await startRelay(own.url)
  await schedule(ownClient, queue, [3000])
  await own.kill()
  await poll(async () => (await relay.health())['status'] === 503, { what: 'a 503', timeoutMs: 20_000 })
  expect(await relay.health()).toMatchObject({ ok: false, producer: 'up', store: 'down' })
  await own.restart()
  const channel = await rawChannel(vhost.url)
  await poll(async () => (await depth(channel, queue)) === 1, { what: 'the message', timeoutMs: 40_000 })
  expect(await relay.health()).toMatchObject({ status: 200, store: 'up' })
})

test('finds the cluster behind the URL of one of its nodes', async ({ skip }) => {
  const cluster = await startRedisCluster()
  if (!cluster) return skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => cluster.stop())
  await cluster.whole()
  for (const url of cluster.urls) {
    const relay = await startRelay(url)
    expect(await relay.health()).toMatchObject({ status: 200 })
    relay.child.kill('SIGINT')
    expect((await relay.ended).code).toBe(0)
  }
})
