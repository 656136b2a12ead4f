import { install } from '../broker/debian.js'
import { findService, programsOf, type FindOptions } from '../broker/find-service.js'
import { poll } from '../broker/poll.js'
import { say } from '../broker/say.js'
import { PrivateRedis } from './private-redis.js'
import { greetRedis } from './redis-client.js'
import type { Service } from './service.js'

const IMAGE = 'redis:7-alpine'

const INSTALLED = { programs: ['redis-server'], folders: ['/usr/bin'], install: () => install('redis-server') }

const CHOICES = `No Redis to work with. One of these gives one:
  REDIS_URL=redis://host:6379   a running Redis
  Docker                        a running engine that has or can pull ${IMAGE}
  redis-server                  installed, on the PATH; a private one is started
  apt-get                       as root on Debian or Ubuntu: redis-server is installed`

/**
 * Finds a Redis or starts one, in the order of the list above. `DUEQUE_BROKER=local` leaves Docker out. What it starts
 * keeps nothing on disk, unless it has to be durable, and is gone after `stop` and also when this process ends without it.
 */
export function findRedis(options: FindOptions = {}): Promise<Service> {
  const { REDIS_URL } = process.env
  const ways = {
    given: REDIS_URL ? () => runningRedis(REDIS_URL) : undefined,
    container: async () => {
      const { startRedisContainer } = await import('./docker.js')
      return startRedisContainer(IMAGE)
    },
    installed: INSTALLED,
    start: (programs: string) => privateRedis(programs, options),
    choices: CHOICES,
  }
  return findService(ways, options)
}

/** Folder of redis-server, which is installed if it is missing and can be; otherwise undefined. */
export function redisPrograms(): Promise<string | undefined> {
  return programsOf(INSTALLED)
}

async function runningRedis(url: string): Promise<Service> {
  const { host } = new URL(url) // without user and password
  const version = await poll(() => greetRedis(url), {
    what: `The Redis of REDIS_URL (${host}) takes clients`,
    intervalMs: 500,
  })
  return { url, how: `Redis ${version} at ${host}, from REDIS_URL`, stop: () => Promise.resolve() }
}

async function privateRedis(programs: string, { isDurable = false }: FindOptions): Promise<Service> {
  say(`Starting a private Redis with the programs in ${programs} …`)
  const redis = await PrivateRedis.start({ programs, appendonly: isDurable })
  const how = `Redis ${redis.version}, a private one (${new URL(redis.url).host}) of ${programs}`
  const restart = async () => {
    await redis.kill()
    await redis.restart()
  }
  return { url: redis.url, how, restart, stop: () => redis.stop() }
}
