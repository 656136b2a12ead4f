import { afterAll, beforeAll, describe } from 'vitest'
import { connect, type Dueque } from '../../src/index.js'
import { redisExpiry } from '../../src/strategies/redis/index.js'
import { useVhost } from '../support/broker.js'
import { useRedis } from '../support/redis.js'
import { AmqpWorld } from './amqp-world.js'
import { conformance } from './conformance.js'
import { offline, useRedisClient } from './redis-client.js'

const vhost = useVhost()
const server = useRedis()
const client = useRedisClient(server)

conformance(
  { name: 'redisExpiry', make: () => redisExpiry({ client: offline }) },
  () => new AmqpWorld(vhost.url, () => redisExpiry({ client: client(), prefix: server.prefix })),
)

describe('with a second listener', () => {
  const prefix = () => `${server.prefix}-second`
  let second: Dueque
  beforeAll(async () => {
    second = await connect({ url: vhost.url, strategy: redisExpiry({ client: client(), prefix: prefix() }) })
  })
  afterAll(() => second.close())

  conformance(
    { name: 'redisExpiry', make: () => redisExpiry({ client: offline }) },
    () => new AmqpWorld(vhost.url, () => redisExpiry({ client: client(), prefix: prefix() })),
  )
})
