import { postgres } from 'dueque/postgres'
import { Pool } from 'pg'
import { postgresPrograms } from '../scripts/services/find-postgres.js'
import { PrivatePostgres } from '../scripts/services/private-postgres.js'
import type { Chosen } from './strategy.js'

const SIZE = `SELECT sum(pg_total_relation_size(c.oid)) AS bytes FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'`
const SETTINGS = ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers']

/** A private PostgreSQL with default settings, or that of DATABASE_URL with its own settings. */
export async function postgresBench(): Promise<Chosen> {
  const { DATABASE_URL } = process.env
  const server = DATABASE_URL ? undefined : await privatePostgres()
  const pool = new Pool({ connectionString: DATABASE_URL ?? server!.url })
  const schema = `dueque_bench_${process.pid}`
  let statements = 0
  // Before the first connection, to count all of them, including those of transactions and of the listener.
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    client.query = ((...args: unknown[]) => {
      statements++
      return query(...args)
    }) as typeof client.query
  })
  const settings = await Promise.all(
    SETTINGS.map(async (name) => {
      const { rows } = await pool.query<{ value: string }>('SELECT current_setting($1) AS value', [name])
      return `${name} ${rows[0]?.value}`
    }),
  )
  const how = `PostgreSQL: ${settings.join(', ')}`
  return {
    strategy: postgres({ pool, schema }),
    settings: { strategy: 'postgres', store: how },
    store: {
      how,
      async sample() {
        const { rows } = await pool.query<{ bytes: string }>(SIZE, [schema])
        return { bytes: Number(rows[0]?.bytes), commands: statements }
      },
    },
    async close() {
      await pool.query(`DROP SCHEMA ${schema} CASCADE`)
      await pool.end()
      await server?.stop()
    },
  }
}

async function privatePostgres(): Promise<PrivatePostgres> {
  const programs = await postgresPrograms()
  if (programs === undefined) throw new Error('no PostgreSQL, and no DATABASE_URL')
  return PrivatePostgres.start({ programs })
}
