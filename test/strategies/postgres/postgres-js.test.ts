import sqlTo, { type Sql } from 'postgres'
import { afterAll } from 'vitest'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { AmqpWorld } from '../amqp-world.js'
import { conformance } from '../conformance.js'

const vhost = useVhost()
const database = usePostgres()
let sql: Sql | undefined
const make = () => postgres({ pool: sql ?? sqlTo() })

conformance({ name: 'postgres over postgres.js', make }, () => {
  // Some clients translate names, which must not matter.
  sql = sqlTo(database.url, { transform: sqlTo.camel })
  return new AmqpWorld(vhost.url, make)
})
afterAll(() => sql?.end())
