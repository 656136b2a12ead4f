import { Client, Pool } from 'pg'
import { afterAll, describe } from 'vitest'
import { pgbouncerPrograms } from '../../../scripts/services/find-postgres.js'
import type { PrivatePgbouncer } from '../../../scripts/services/private-pgbouncer.js'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { useVhost } from '../../support/broker.js'
import { NO_PGBOUNCER, startPgbouncer, usePostgres } from '../../support/postgres.js'
import { AmqpWorld } from '../amqp-world.js'
import { conformance } from '../conformance.js'

const vhost = useVhost()
const database = usePostgres()
const none = (await pgbouncerPrograms()) === undefined

describe.skipIf(none)(none ? `through PgBouncer (skipped: ${NO_PGBOUNCER})` : 'through PgBouncer', () => {
  let pgbouncer: PrivatePgbouncer | undefined
  let pool: Pool | undefined
  const listen = () => new Client({ connectionString: database.url })
  const make = () => postgres({ pool: pool ?? new Pool(), listen })

  conformance({ name: 'postgres, one transaction to a connection, listening beside it', make }, async () => {
    // Fewer connections than the pool has, so that each is shared.
    pgbouncer = await startPgbouncer({ postgres: { url: database.url }, config: { default_pool_size: '2' } })
    pool = new Pool({ connectionString: pgbouncer!.url })
    pool.setMaxListeners(50) // shared by many concurrent connections
    return new AmqpWorld(vhost.url, make)
  })
  afterAll(async () => {
    await pool?.end()
    await pgbouncer?.stop()
  })
})
