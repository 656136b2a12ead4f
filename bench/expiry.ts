import { connect, on, type Dueque } from 'dueque'
import { redis, redisExpiry } from 'dueque/redis'
import { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { poll } from '../scripts/broker/poll.js'
import { say } from '../scripts/broker/say.js'
import { redisPrograms } from '../scripts/services/find-redis.js'
import { PrivateRedis } from '../scripts/services/private-redis.js'
import type { Broker } from './broker.js'
import { payloadItems, payloadOf, randomDelayMs, sample, scheduleEvery } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { pace } from './pace.js'
import type { Result, Row } from './report.js'

const QUEUE = 'bench.expiry'
const LONG = '30d'
const LONG_MS = 30 * 86_400_000
const LONGEST_DELAY_MS = 10_000
/** An event that is later than this counts as missing. */
const PATIENCE_MS = 5_000
const WAITING = [0, 10_000, 100_000]
/** The defaults of Redis, and settings by which it searches for expired keys more often or longer. */
const SETTINGS = [
  { hz: '10', effort: '1' },
  { hz: '100', effort: '1' },
  { hz: '10', effort: '10' },
]

/** Lateness of expired events in Redis, by the number of other keys; the lateness of `redisExpiry`; and the memory. */
export async function expiry(broker: Broker, options: Options): Promise<Result> {
  const { rate = 100, seconds = 20, count = 100_000 } = options
  const programs = await redisPrograms()
  if (programs === undefined) throw new Error('no redis-server on the PATH')
  const server = await PrivateRedis.start({ programs, config: { 'notify-keyspace-events': 'Ex', maxmemory: '0' } })
  const client = new Redis(server.url)
  const rows: Row[] = []
  try {
    for (const { hz, effort } of SETTINGS) {
      for (const waiting of WAITING) {
        await client.flushall()
        await client.config('SET', 'hz', hz)
        await client.config('SET', 'active-expire-effort', effort)
        const late = await events(client, { waiting, rate, count: rate * seconds })
        rows.push(row({ what: 'event', waiting, hz, effort }, late, rate * seconds))
      }
    }
    await client.config('SET', 'hz', '10', 'active-expire-effort', '1')
    for (const [what, strategy] of [
      ['redisExpiry', () => redisExpiry({ client })],
      ['redis', () => redis({ client })],
    ] as const) {
      for (const waiting of WAITING) {
        await client.flushall()
        const mq = await connect({ url: broker.url, strategy: strategy() })
        const late = await arrivals(mq, { waiting, rate, count: rate * seconds })
        await mq.close()
        rows.push(row({ what, waiting, hz: '10', effort: '1' }, late, rate * seconds))
      }
    }
    const notes = []
    for (const [what, strategy] of [
      ['redis', redis({ client, relay: false })],
      ['redisExpiry', redisExpiry({ client, relay: false })],
    ] as const) {
      await client.flushall()
      const mq = await connect({ url: broker.url, strategy })
      const before = await usedMemory(client)
      await wait(mq, count)
      notes.push(
        `${what}: ${Math.round(((await usedMemory(client)) - before) / count)} bytes of Redis for each of ${count} that wait`,
      )
      await mq.close()
    }
    return { settings: { rate, seconds, redis: server.version, sweepMs: 1000 }, rows, notes }
  } finally {
    client.disconnect()
    await server.stop()
  }
}

interface Load {
  /** Keys or messages that expire or are due in a month. */
  waiting: number
  rate: number
  count: number
}

/** Redis alone: event − due, of keys that live for 1 to 10 seconds. */
async function events(client: Redis, { waiting, rate, count }: Load): Promise<number[]> {
  for (let from = 0; from < waiting; from += 1000) {
    const pipeline = client.pipeline()
    for (let n = from; n < Math.min(from + 1000, waiting); n++) pipeline.set(`waits:${n}`, 1, 'PX', LONG_MS)
    await pipeline.exec()
  }
  const late: number[] = []
  const subscriber = client.duplicate()
  subscriber.on('pmessage', (_pattern, _channel, key: string) => {
    late.push(Date.now() - Number(key.split(':')[1]))
  })
  await subscriber.psubscribe('__keyevent@*__:expired')
  await pace({ rate, count, stopAtFailure: true }, (n) => {
    const dueAt = Date.now() + randomDelayMs()
    return client.set(`due:${dueAt}:${n}`, 1, 'PXAT', dueAt)
  })
  await allOrPatience(() => late.length >= count)
  subscriber.disconnect()
  return late
}

/** The whole way: arrival − due, with random delays of 1 to 10 seconds. */
async function arrivals(mq: Dueque, { waiting, rate, count }: Load): Promise<number[]> {
  await wait(mq, waiting)
  const late: number[] = []
  const handler = on(sample, ({ latenessMs }) => void late.push(latenessMs))
  const consumer = await mq.consume(QUEUE, [handler], { prefetch: 1000 })
  const to = { queue: QUEUE }
  await pace({ rate, count, stopAtFailure: true }, (n) =>
    mq.schedule(sample, payloadOf(n), { to, in: randomDelayMs() }),
  )
  await allOrPatience(() => late.length >= count)
  await consumer.close()
  return late
}

async function wait(mq: Dueque, count: number): Promise<void> {
  await scheduleEvery(
    mq,
    payloadItems(count, () => ({ to: { queue: QUEUE }, in: LONG, declare: true })),
  )
}

async function allOrPatience(isAll: () => boolean): Promise<void> {
  const timeoutMs = LONGEST_DELAY_MS + PATIENCE_MS
  await poll(isAll, { what: 'all of them', timeoutMs }).catch((error: unknown) => say(`  ${(error as Error).message}`))
  await sleep(0)
}

function row(what: Record<string, string | number>, late: readonly number[], count: number): Row {
  const { p50, p99, max } = spreadOf(late)
  say(`  ${JSON.stringify(what)}: p50 ${p50} ms, p99 ${p99} ms`)
  return { ...what, 'p50 ms': p50, p99, max, missing: count - late.length }
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))![1])
}
