import { randomBytes } from 'node:crypto'
import type { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { pgbouncerPrograms, postgresPrograms } from '../../scripts/services/find-postgres.js'
import { withPostgres } from '../../scripts/services/postgres-client.js'
import { PrivatePgbouncer, type PrivatePgbouncerOptions } from '../../scripts/services/private-pgbouncer.js'
import { PrivatePostgres, type PrivatePostgresOptions } from '../../scripts/services/private-postgres.js'
import { untilClosed, useOwn } from './own.js'
import { FIND_TIMEOUT_MS, serviceUrl } from './services.js'

/** The reason to skip a test if {@link startPostgres} returns undefined. */
export const NO_POSTGRES_PROGRAMS = 'no initdb and postgres on the PATH or in /usr/lib/postgresql'

/** The reason to skip a test if {@link startPgbouncer} returns undefined. */
export const NO_PGBOUNCER = 'no pgbouncer on the PATH'

interface Database {
  readonly url: string
  readonly name: string
}

/**
 * A database on a shared PostgreSQL, for the tests of a file (or of the `describe` in which it is called): there from the
 * first test to the last, dropped when all of them passed, and kept and named when one failed. A connection that is open
 * after the last test fails the file. Fails with a list of choices if there is no PostgreSQL.
 *
 * That PostgreSQL may run without `fsync`. What has to do with crashes is for {@link startPostgres}.
 *
 * ```ts
 * const database = usePostgres()
 * test('…', async () => { const pool = new Pool({ connectionString: database.url }) … })
 * ```
 */
export function usePostgres(): Database {
  const own = useOwn({
    what: 'database',
    make: async () => {
      const server = await serviceUrl('postgres')
      const name = `dueque_test_${randomBytes(4).toString('hex')}`
      await withPostgres(server, (client) => client.query(`CREATE DATABASE ${name}`))
      const url = new URL(server)
      url.pathname = `/${name}`
      return { server, name, url: url.href }
    },
    name: ({ name }) => name,
    closed: ({ server, name }) => untilClosed('PostgreSQL', () => sessions(server, name)),
    drop: async ({ server, name }) => {
      await withPostgres(server, (client) => client.query(`DROP DATABASE ${name}`))
    },
    timeoutMs: FIND_TIMEOUT_MS,
  })
  return {
    get url() {
      return own().url
    },
    get name() {
      return own().name
    },
  }
}

/**
 * A private PostgreSQL that can be killed and restarted; end it with `stop`. Undefined if its programs are missing and
 * cannot be installed: then the test is skipped, with {@link NO_POSTGRES_PROGRAMS}.
 */
export async function startPostgres(
  options: Omit<PrivatePostgresOptions, 'programs'> = {},
): Promise<PrivatePostgres | undefined> {
  const programs = await postgresPrograms()
  return programs === undefined ? undefined : PrivatePostgres.start({ ...options, programs })
}

/** A PgBouncer in front of a database, likewise: {@link NO_PGBOUNCER}. */
export async function startPgbouncer(
  options: Omit<PrivatePgbouncerOptions, 'programs'>,
): Promise<PrivatePgbouncer | undefined> {
  const programs = await pgbouncerPrograms()
  return programs === undefined ? undefined : PrivatePgbouncer.start({ ...options, programs })
}

/** One line for each connection of a client to a database. */
async function sessions(server: string, database: string): Promise<string[]> {
  const { rows } = await withPostgres(server, (client) =>
    client.query<Record<string, unknown>>(
      `SELECT pid, application_name, client_port, state, query
         FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
      [database],
    ),
  )
  return rows.map((row) => JSON.stringify(row))
}

/** A user without rights, and its URL. */
export async function newUser(databaseUrl: string, pool: Pool): Promise<{ user: string; url: string }> {
  const user = `dueque_user_${randomBytes(4).toString('hex')}`
  await pool.query(`CREATE ROLE ${user} LOGIN PASSWORD 'secret-word'`)
  onTestFinished(async () => {
    await pool.query(`DROP OWNED BY ${user}`)
    await pool.query(`DROP ROLE ${user}`)
  })
  const url = new URL(databaseUrl)
  url.username = user
  url.password = 'secret-word'
  return { user, url: url.href }
}
