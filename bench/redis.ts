import { redis } from 'dueque/redis'
import { Redis } from 'ioredis'
import { redisPrograms } from '../scripts/services/find-redis.js'
import { PrivateRedis } from '../scripts/services/private-redis.js'
import type { Chosen } from './strategy.js'

/** A private Redis with the settings that the guide recommends, or that of REDIS_URL with its own settings. */
export async function redisBench(): Promise<Chosen> {
  const { REDIS_URL } = process.env
  const server = REDIS_URL ? undefined : await privateRedis()
  const client = new Redis(REDIS_URL ?? server!.url)
  const prefix = `dueque-bench-${process.pid}`
  const number = (info: string, name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1])
  const info = await client.info()
  const version = /redis_version:(\S+)/.exec(info)?.[1]
  const how = `Redis ${version}, appendonly ${number(info, 'aof_enabled') === 1 ? 'yes' : 'no'}, appendfsync ${await fsync(client)}`
  return {
    strategy: redis({ client, prefix }),
    settings: { strategy: 'redis', store: how },
    store: {
      how,
      async sample() {
        const text = await client.info()
        return { bytes: number(text, 'used_memory'), commands: number(text, 'total_commands_processed') }
      },
    },
    async close() {
      await client.unlink(...['waiting', 'claimed', 'messages', 'more'].map((key) => `{${prefix}}:${key}`))
      await client.quit()
      await server?.stop()
    },
  }
}

async function privateRedis(): Promise<PrivateRedis> {
  const programs = await redisPrograms()
  if (programs === undefined) throw new Error('no redis-server, and no REDIS_URL')
  return PrivateRedis.start({ programs, appendonly: true, config: { appendfsync: 'everysec' } })
}

async function fsync(client: Redis): Promise<string> {
  const [, value = 'unknown'] = (await client.config('GET', 'appendfsync').catch(() => [])) as string[]
  return value
}
