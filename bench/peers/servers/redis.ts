import { Redis } from 'ioredis'
import { redisPrograms } from '../../../scripts/services/find-redis.js'
import { PrivateRedis } from '../../../scripts/services/private-redis.js'
import type { RedisPlace } from './place.js'
import type { Server } from './server.js'

/** The persistence that dueque and BullMQ recommend. */
const SETTINGS = { appendfsync: 'everysec', 'maxmemory-policy': 'noeviction' }

/** A private Redis. Its only place is its keyspace. */
export async function startRedis(): Promise<Server<RedisPlace> | string> {
  const programs = await redisPrograms()
  if (programs === undefined) return 'no redis-server is installed'
  const server = await PrivateRedis.start({ programs, appendonly: true, config: SETTINGS })
  const client = new Redis(server.url)
  client.on('error', () => undefined)
  const info = async (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await client.info())?.[1])
  const empty = async () => {
    await client.flushall()
  }
  return {
    how: `Redis ${server.version}, appendonly yes, appendfsync everysec, noeviction`,
    bytesAre: 'memory',
    open: async () => {
      await empty()
      return { url: server.url, bytes: () => info('used_memory'), leave: empty }
    },
    processes: async () => [await info('process_id')],
    folder: async () => (await client.config('GET', 'dir'))[1]!,
    kill: () => server.kill(),
    shutdown: () => server.shutdown(),
    restart: () => server.restart(),
    stop: async () => {
      client.disconnect()
      await server.stop()
    },
  }
}
