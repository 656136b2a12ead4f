import { afterAll, beforeAll, expect, test } from 'vitest'
import { poll, useVhost } from '../../support/broker.js'
import { spawnInOrder, type Child } from '../../support/child.js'
import { usePostgres } from '../../support/postgres.js'
import { useRedis } from '../../support/redis.js'

const vhost = useVhost()
const redis = useRedis()
const postgres = usePostgres()

/** All scenes run in one program: each start of one costs as much as they do. */
let child: Child
beforeAll(() => {
  const env = {
    NODE_OPTIONS: '--expose-gc',
    TRACED_REDIS: redis.url,
    TRACED_PREFIX: redis.prefix,
    TRACED_POSTGRES: postgres.url,
  }
  const scenes = [
    'reconnected',
    'declared,nacked,bulk,records,handled,putBack,gate,intake,unroutable,redisRelay,postgresRelay',
    'linked',
    'parented',
    'volume',
  ]
  child = spawnInOrder(env, new URL('traced-child.ts', import.meta.url), vhost.url, ...scenes)
})
afterAll(() => child.kill())

/** What the spans of a scene show. */
async function shown(scene: string, timeoutMs = 55_000): Promise<unknown> {
  const line = () => child.lines.find((one) => one.startsWith(`{"${scene}"`))
  await poll(() => Promise.resolve(line() !== undefined), { what: `the scene ${scene}`, timeoutMs })
  return (JSON.parse(line()!) as Record<string, unknown>)[scene]
}

/** All spans are in the traces of the callers. */
const wellTraced = (messages: number, publishes: unknown = expect.any(Number)) => ({
  messages,
  publishes,
  unseen: [],
  strange: [],
  failed: 0,
})

test.for<[string, string, unknown]>([
  ['waits for room and for declarations', 'declared', wellTraced(40, 40)],
  ['is nacked', 'nacked', wellTraced(5)],
  ['is one of many', 'bulk', wellTraced(50, 50)],
  ['arrives too early', 'putBack', wellTraced(1, 2)],
  ['passes a gate', 'gate', wellTraced(5, 10)],
  ['passes an intake', 'intake', wellTraced(1, 2)],
  ['was unroutable', 'unroutable', wellTraced(1, 2)],
])('each publish of a message that %s belongs to the trace of its caller', async ([, scene, expected]) => {
  expect(await shown(scene)).toEqual(expected)
})

test('each publish of a message that waits for the connection, for room, or for its held confirm does so as well', async () => {
  const both = (await shown('reconnected')) as { publishes: number }[]
  expect(both).toEqual([wellTraced(20), wellTraced(20)])
  // The cut has lost some.
  expect(both[0]!.publishes + both[1]!.publishes).toBeGreaterThan(40)
})

test('handlers, retries and dead letters belong to the trace of their message, however long it was held', async () => {
  expect(await shown('handled')).toEqual({
    // Each of 18 calls schedules one more, whose id repeats for a retry.
    ...wellTraced(24, 12 + 6 + 3 + 18),
    handlers: [],
    consumed: 18,
    records: 0,
  })
})

test('records of cancellations and of the journal, and what relays publish, belong to no trace of a caller', async () => {
  const none = { count: expect.any(Number) as number, children: 0 }
  expect(await shown('records')).toEqual({ ...wellTraced(10, 10), journal: none, log: none })
  expect(await shown('redisRelay')).toEqual({ count: 5, children: 0 })
  expect(await shown('postgresRelay')).toEqual({ count: 5, children: 0 })
})

test(
  'of 20,000 messages every consumer span ends without an error, and nothing is kept after the acks',
  { timeout: 120_000 },
  async () => {
    expect(await shown('volume', 115_000)).toEqual({
      scheduled: 20_000,
      arrived: 20_000,
      ended: 20_000,
      failed: 0,
      open: 0,
      isCollected: true,
    })
  },
)

test.each(['linked', 'parented'])(
  'with spans of its own dueque has no others, also after a reconnect: %s',
  async (scene) => {
    expect(await shown(scene)).toEqual({ others: [], schedules: 12, handlers: 18, strange: [] })
  },
)
