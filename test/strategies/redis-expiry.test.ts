import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe } from 'vitest'
import { connect, type Dueque } from '../../src/index.js'
import { redisExpiry } from '../../src/strategies/redis/index.js'
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
  { name: 'redisExpiry', make: () => redisExpiry({ client: offline }) },
  () => new AmqpWorld(vhost.url, () => redisExpiry({ client, prefix: server.prefix })),
)

describe('beside a second listener', () => {
  const prefix = () => `${server.prefix}-second`
  let second: Dueque
  beforeAll(async () => {
    second = await connect({ url: vhost.url, strategy: redisExpiry({ client, prefix: prefix() }) })
  })
  afterAll(() => second.close())

  conformance(
    { name: 'redisExpiry', make: () => redisExpiry({ client: offline }) },
    () => new AmqpWorld(vhost.url, () => redisExpiry({ client, prefix: prefix() })),
  )
})
