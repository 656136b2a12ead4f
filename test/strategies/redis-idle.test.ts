import { Redis } from 'ioredis'
import { beforeAll, afterAll, expect, onTestFinished, test } from 'vitest'
import type { PrivateRedis } from '../../scripts/services/private-redis.js'
import { connect } from '../../src/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { useVhost } from '../support/broker.js'
import { NO_REDIS_PROGRAMS, startRedis } from '../support/redis.js'
import { note, unique } from './recorder.js'

const vhost = useVhost()
let server: PrivateRedis | undefined
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server?.stop())

/** The number of commands of clients and scripts, without those of this query. */
async function commands(client: Redis): Promise<number> {
  const stats = await client.info('commandstats')
  return [...stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)]
    .filter(([, name]) => name === 'evalsha' || name === 'eval')
    .reduce((sum, [, , calls]) => sum + Number(calls), 0)
}

test('a relay without due messages queries no more often than its backstop', async ({ skip }) => {
  if (!server) return skip(NO_REDIS_PROGRAMS)
  const client = new Redis(server.url)
  onTestFinished(() => client.disconnect())
  const mq = await connect({ url: vhost.url, strategy: redis({ client, relay: { backstopMs: 1000 } }) })
  onTestFinished(() => mq.close())
  await mq.schedule(note, { n: 1 }, { to: { queue: unique('idle') }, in: '1h', declare: true })
  const [before, from] = [await commands(client), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, 6000))
  const rounds = Math.ceil((performance.now() - from) / 1000)
  const asked = (await commands(client)) - before
  // The schedule has woken it once.
  expect(asked).toBeLessThanOrEqual(rounds + 1)
  expect(asked).toBeGreaterThan(rounds / 2)
})
