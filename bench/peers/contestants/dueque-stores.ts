import { postgres } from 'dueque/postgres'
import { redis } from 'dueque/redis'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { placeOf, urlOf, type Contestant } from '../contestant.js'
import { queuedMessages } from '../servers/rabbitmq.js'
import { consumeByDueque, duequeEntrant, openDueque } from './dueque.js'

/** The relay runs in the process that schedules. */
const RELAY = { relay: 'in the scheduling process' }

export const duequeRedis: Contestant = {
  name: 'dueque-redis',
  about: 'redis({ client })',
  servers: ['rabbitmq', 'redis'],
  store: 'redis',
  setUp: async (site) => {
    const client = new Redis(placeOf(site, 'redis').url)
    client.on('error', () => undefined)
    const rabbit = placeOf(site, 'rabbitmq')
    const mq = await openDueque(rabbit.url, redis({ client }))
    const entrant = duequeEntrant(mq, RELAY, async () => (await mq.count()) + (await queuedMessages(rabbit)))
    return {
      ...entrant,
      close: async () => {
        await entrant.close()
        client.disconnect()
      },
    }
  },
  consume: (urls, arrived) => consumeByDueque(urlOf(urls, 'rabbitmq'), arrived),
}

export const duequePostgres: Contestant = {
  name: 'dueque-postgres',
  about: 'postgres({ pool })',
  servers: ['rabbitmq', 'postgres'],
  store: 'postgres',
  setUp: async (site) => {
    const pool = new Pool({ connectionString: placeOf(site, 'postgres').url, max: 10 })
    pool.on('error', () => undefined)
    const rabbit = placeOf(site, 'rabbitmq')
    const mq = await openDueque(rabbit.url, postgres({ pool }))
    const waiting = async () => (await mq.count()) + (await queuedMessages(rabbit))
    const entrant = duequeEntrant(mq, { ...RELAY, pool: 10 }, waiting)
    return {
      ...entrant,
      close: async () => {
        await entrant.close()
        await pool.end()
      },
    }
  },
  consume: (urls, arrived) => consumeByDueque(urlOf(urls, 'rabbitmq'), arrived),
}
