import { Redis, type RedisOptions } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { redisExpiry, type RedisExpiryOptions } from '../../src/strategies/redis/index.js'
import { poll, startNode, useVhost } from '../support/broker.js'
import { startChild } from '../support/child.js'
import { open } from '../support/mq.js'
import { NO_REDIS_PROGRAMS, startRedis, useRedis } from '../support/redis.js'
import { Recorder, scheduleNotes, unique } from '../strategies/recorder.js'
import { AtWork } from './at-work.js'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })
const vhost = useVhost()
const server = useRedis()
const HOUR_MS = 3_600_000
const CUT_MS = 30_000

const openRelay = (options: RedisExpiryOptions) => open(vhost.url, { strategy: redisExpiry(options) })

/** Its subscriptions go through `proxy`. */
class SplitRedis extends Redis {
  readonly proxy: TcpProxy

  constructor(url: string, proxy: TcpProxy) {
    super(url)
    this.proxy = proxy
  }

  override duplicate(options?: Partial<RedisOptions>): Redis {
    return super.duplicate({ ...options, host: '127.0.0.1', port: this.proxy.port })
  }
}

async function splitRedis(): Promise<SplitRedis> {
  const proxy = await TcpProxy.to(server.url)
  const client = new SplitRedis(server.url, proxy)
  onTestFinished(() => {
    client.disconnect()
    proxy.close()
  })
  return client
}

/** Delays of 1,000 messages, all due within the cut. */
const DELAYS = Array.from({ length: 1000 }, (_, n) => 3000 + n * 20)

/** Asserts that no message is lost, duplicated or early. */
function expectAll(recorder: Recorder): void {
  expect(recorder.early).toEqual([])
  expect(recorder.numbers.toSorted((a, b) => a - b)).toEqual(DELAYS.map((_, n) => n))
}

test('the subscriber is cut off for 30 s while 1,000 keys expire: the sweep delivers each once, within its interval', async () => {
  const client = await splitRedis()
  const mq = await openRelay({ client, prefix: unique(server.prefix), sweepMs: 1000 })
  const queue = unique('cut')
  await scheduleNotes(mq, queue, DELAYS)
  client.proxy.refuse()
  client.proxy.cut()
  const end = performance.now() + CUT_MS
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(DELAYS.length, CUT_MS)
  expect(performance.now()).toBeLessThan(end)
  const lateness = recorder.deliveries.map(({ latenessMs }) => latenessMs)
  expect(Math.max(...lateness)).toBeLessThan(1000 + 2000)
  expectAll(recorder)
  await client.proxy.listen()
})

test('the subscriber is cut off, without a sweep: all messages are delivered once when it is back', async () => {
  const client = await splitRedis()
  const mq = await openRelay({ client, prefix: unique(server.prefix), sweepMs: HOUR_MS })
  const queue = unique('back')
  await scheduleNotes(mq, queue, DELAYS)
  client.proxy.refuse()
  client.proxy.cut()
  const recorder = await Recorder.on(mq, queue)
  await sleep(CUT_MS)
  // Shows that no other path had delivered them.
  expect(recorder.numbers).toEqual([])
  await client.proxy.listen()
  await recorder.has(DELAYS.length)
  expectAll(recorder)
})

test('one of two listeners is killed with SIGKILL: each message is handled once', async () => {
  const [prefix, queue] = [unique(server.prefix), unique('killed')]
  const client = new Redis(server.url)
  onTestFinished(() => client.disconnect())
  const child = startChild(new URL('./expiry-relay.ts', import.meta.url), server.url, prefix, vhost.url)
  await poll(() => child.lines.includes('relays'), { what: 'the other relay', timeoutMs: 60_000 })
  const mq = await openRelay({ client, prefix, relay: { leaseMs: 2000 } })
  // Many messages are due at once, so that it dies with claimed ones.
  await scheduleNotes(
    mq,
    queue,
    DELAYS.map((_, n) => 3000 + (n % 10) * 200),
  )
  const recorder = await Recorder.on(mq, queue)
  await recorder.has(DELAYS.length / 4)
  await child.kill()
  await recorder.has(DELAYS.length)
  await poll(async () => (await client.hlen(`{${prefix}}:messages`)) === 0, { what: 'nothing left', timeoutMs: 30_000 })
  expectAll(recorder)
})

test('Redis is killed and restarted while messages wait, fall due and are scheduled: each is handled once', async ({
  skip,
}) => {
  const redis = (await startRedis({ appendonly: true })) ?? skip(NO_REDIS_PROGRAMS)
  onTestFinished(() => redis.stop())
  const clients = [1, 2].map(() => new Redis(redis.url))
  for (const client of clients) client.on('error', () => undefined)
  onTestFinished(() => clients.forEach((client) => client.disconnect()))
  await openRelay({ client: clients[1]! })
  const work = await AtWork.start(vhost.url, { strategy: redisExpiry({ client: clients[0]! }) })
  for (const time of ['first', 'second']) {
    await redis.kill()
    await poll(() => work.load.count % 100 > 50, { what: 'schedules meanwhile', timeoutMs: 30_000 })
    await redis.restart()
    await work.flows(`after the ${time} restart`)
  }
  await work.account()
})

test.skipIf(process.env['DUEQUE_RABBITMQ_BIN'] === undefined)(
  'RabbitMQ is killed while messages fall due: each is handled once (skipped if DUEQUE_RABBITMQ_BIN is not set)',
  async () => {
    const node = (await startNode({ management: false }))!
    onTestFinished(() => node.stop())
    const client = new Redis(server.url)
    onTestFinished(() => client.disconnect())
    const prefix = unique(server.prefix)
    const work = await AtWork.start(node.url, { strategy: redisExpiry({ client, prefix }) })
    await node.kill()
    const from = work.load.count
    await poll(() => work.load.count > from + 300, { what: 'schedules meanwhile', timeoutMs: 30_000 })
    await node.restart()
    await work.flows('after the restart')
    await work.account()
  },
)
