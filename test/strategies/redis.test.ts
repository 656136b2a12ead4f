import { redis } from '../../src/strategies/redis/index.js'
import { useVhost } from '../support/broker.js'
import { useRedis } from '../support/redis.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'
import { offline, useRedisClient } from './redis-client.js'

const vhost = useVhost()
const server = useRedis()
const client = useRedisClient(server)

conformance(
  { name: 'redis', make: () => redis({ client: offline }) },
  () => new AmqpWorld(vhost.url, () => redis({ client: client(), prefix: server.prefix })),
)
