/** A relay in its own process: `REDIS-URL PREFIX AMQP-URL`. It prints `relays` when it runs. */
import { Redis } from 'ioredis'
import { connect } from '../../src/index.js'
import { redisExpiry } from '../../src/strategies/redis/index.js'

const [redisUrl, prefix, url] = process.argv.slice(2) as [string, string, string]
await connect({ url, strategy: redisExpiry({ client: new Redis(redisUrl), prefix, relay: { leaseMs: 2000 } }) })
console.log('relays')
