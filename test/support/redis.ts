import { randomBytes } from 'node:crypto'
import { redisPrograms } from '../../scripts/services/find-redis.js'
import { PrivateRedisCluster, type PrivateRedisClusterOptions } from '../../scripts/services/private-redis-cluster.js'
import { PrivateRedis, type PrivateRedisOptions } from '../../scripts/services/private-redis.js'
import { openRedis } from '../../scripts/services/redis-client.js'
import { untilNoSockets, useOwn } from './own.js'
import { FIND_TIMEOUT_MS, serviceUrl } from './services.js'

/** The reason to skip a test if {@link startRedis} or {@link startRedisCluster} returns undefined. */
export const NO_REDIS_PROGRAMS = 'no redis-server on the PATH'

interface OwnRedis {
  readonly url: string
  /** The prefix of the names of all test keys, or a part of them. */
  readonly prefix: string
}

/**
 * A shared Redis, and a random prefix for the keys of the tests of a file (or of the `describe` in which it is called).
 * When all of them passed, the keys that have it in their names are deleted; when one failed, they are kept. A connection
 * that is open after the last test fails the file. Fails with a list of choices if there is no Redis.
 *
 * ```ts
 * const redis = useRedis()
 * test('…', async () => { const client = new Redis(redis.url) … `${redis.prefix}:due` … })
 * ```
 */
export function useRedis(): OwnRedis {
  const own = useOwn({
    what: 'set of Redis keys',
    make: async () => {
      const url = await serviceUrl('redis')
      return { url, prefix: `dueque-test-${randomBytes(4).toString('hex')}` }
    },
    name: ({ url, prefix }) => `*${prefix}* at ${url}`,
    closed: ({ url }) => untilNoSockets('Redis', Number(new URL(url).port || 6379)),
    drop: ({ url, prefix }) => deleteKeys(url, prefix),
    timeoutMs: FIND_TIMEOUT_MS,
  })
  return {
    get url() {
      return own().url
    },
    get prefix() {
      return own().prefix
    },
  }
}

/**
 * A private Redis that can be killed and restarted; end it with `stop`. Undefined if redis-server is missing and cannot
 * be installed: then the test is skipped, with {@link NO_REDIS_PROGRAMS}.
 */
export async function startRedis(
  options: Omit<PrivateRedisOptions, 'programs'> = {},
): Promise<PrivateRedis | undefined> {
  const programs = await redisPrograms()
  return programs === undefined ? undefined : PrivateRedis.start({ ...options, programs })
}

/** As {@link startRedis}: primaries that form a Redis Cluster. */
export async function startRedisCluster(
  options: Omit<PrivateRedisClusterOptions, 'programs'> = {},
): Promise<PrivateRedisCluster | undefined> {
  const programs = await redisPrograms()
  return programs === undefined ? undefined : PrivateRedisCluster.start({ ...options, programs })
}

async function deleteKeys(url: string, part: string): Promise<void> {
  const redis = await openRedis(url)
  try {
    for await (const keys of redis.scanStream({ match: `*${part}*`, count: 1000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await redis.unlink(...keys)
    }
  } finally {
    redis.disconnect()
  }
}
