/**
 * A consumer in its own process: `KIND STORE-URL PREFIX AMQP-URL QUEUE`. It prints `started N` for each message and
 * never ends its handlers.
 */
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { connect, on, type DedupeStore } from '../../src/index.js'
import { postgresDedupe } from '../../src/strategies/postgres/index.js'
import { redisDedupe } from '../../src/strategies/redis/index.js'
import { note } from '../strategies/recorder.js'

const [kind, storeUrl, prefix, url, queue] = process.argv.slice(2) as [string, string, string, string, string]

const STORES: Record<string, () => DedupeStore> = {
  redis: () => redisDedupe({ client: new Redis(storeUrl), prefix }),
  postgres: () => postgresDedupe({ pool: new Pool({ connectionString: storeUrl }), schema: prefix }),
}

const mq = await connect({ url })
const handler = on(note, ({ payload: { n } }) => {
  console.log(`started ${n}`)
  return new Promise(() => undefined)
})
const dedupe = { store: STORES[kind]!(), leaseMs: 2000 }
await mq.consume(queue, [handler], { concurrency: 1, prefetch: 1, dedupe })
