import type { Strategy } from 'dueque'
import { redis, redisExpiry } from 'dueque/redis'
import { Redis } from 'ioredis'
import { PrivateRedis } from '../../scripts/services/private-redis.js'
import { redisPrograms } from '../../scripts/services/find-redis.js'
import type { Contender, Entrant } from './contender.js'

export const redisContender = contender('redis()', (client) => redis({ client }))
export const redisExpiryContender = contender('redisExpiry()', (client) => redisExpiry({ client }))

/** Runs on a private Redis with the persistence that docs/guides/redis.md recommends. */
function contender(name: string, make: (client: Redis) => Strategy): Contender {
  return {
    name,
    async enter() {
      const programs = await redisPrograms()
      if (programs === undefined) return 'no redis-server is installed'
      const server = await PrivateRedis.start({ programs, appendonly: true, config: { appendfsync: 'everysec' } })
      const client = new Redis(server.url)
      client.on('error', () => undefined)
      const info = async (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await client.info())?.[1])
      const entrant: Entrant = {
        strategy: () => make(client),
        size: () => info('used_memory'),
        sizeIs: 'memory',
        processes: async () => [await info('process_id')],
        async leave() {
          client.disconnect()
          await server.stop()
        },
      }
      return entrant
    },
  }
}
