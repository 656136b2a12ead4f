import { Pool } from 'pg'
import { afterAll } from 'vitest'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { AmqpWorld } from '../amqp-world.js'
import { conformance } from '../conformance.js'

const vhost = useVhost()
const database = usePostgres()
let pool: Pool | undefined
const make = () => postgres({ pool: pool ?? new Pool() })

conformance({ name: 'postgres', make }, () => {
  // Each connection of a case keeps one to listen, and several cases run concurrently.
  pool = new Pool({ connectionString: database.url, max: 40 })
  pool.setMaxListeners(50)
  return new AmqpWorld(vhost.url, make)
})
afterAll(() => pool?.end())
