import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { redis } from '../../src/strategies/redis/index.js'
import { useVhost } from '../support/broker.js'
import { useRedis } from '../support/redis.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'

const vhost = useVhost()
const server = useRedis()
let client: Redis
beforeAll(() => {
  client = new Redis(server.url)
  client.setMaxListeners(50) // many connections at once have it
})
afterAll(async () => {
  await client.quit()
})

// Outside of hooks and tests, only what can be told without a server is looked at.
const offline = new Redis({ lazyConnect: true })
conformance(
  { name: 'redis', make: () => redis({ client: offline }) },
  () => new AmqpWorld(vhost.url, () => redis({ client, prefix: server.prefix })),
)
