import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { postgresPrograms } from '../../../scripts/services/find-postgres.js'
import { PrivatePostgres } from '../../../scripts/services/private-postgres.js'
import { withDescendants } from '../../strategies/processes.js'
import type { PostgresPlace } from './place.js'
import type { Server } from './server.js'

const SETTINGS = ['fsync', 'synchronous_commit', 'shared_buffers']
/** The postmaster writes its process id into the first line. */
const PID = `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)`

/** A private PostgreSQL with default settings. A place is a database of it. */
export async function startPostgres(): Promise<Server<PostgresPlace> | string> {
  const programs = await postgresPrograms()
  if (programs === undefined) return 'no PostgreSQL is installed'
  const server = await PrivatePostgres.start({ programs })
  const admin = poolOf(server.url)
  const setting = async (name: string) => `${name} ${await valueOf(admin, `SELECT current_setting('${name}')`)}`
  const settings = await Promise.all(SETTINGS.map(setting))
  return {
    how: `PostgreSQL ${server.version}, ${settings.join(', ')}`,
    bytesAre: 'disk',
    open: () => placeIn(admin, server.url),
    processes: async () => withDescendants(Number(await valueOf(admin, PID))),
    folder: () => valueOf(admin, `SELECT current_setting('data_directory')`),
    kill: () => server.kill(),
    shutdown: () => server.shutdown(),
    restart: () => server.restart(),
    stop: async () => {
      await admin.end()
      await server.stop()
    },
  }
}

async function placeIn(admin: Pool, serverUrl: string): Promise<PostgresPlace> {
  const name = `peers_${randomBytes(4).toString('hex')}`
  await admin.query(`CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const pool = poolOf(url.href)
  return {
    url: url.href,
    number: async (query) => Number(await valueOf(pool, query)),
    bytes: async () => Number(await valueOf(admin, `SELECT pg_database_size('${name}')`)),
    async leave() {
      await pool.end()
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

function poolOf(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 1 })
  pool.on('error', () => undefined)
  return pool
}

async function valueOf(pool: Pool, query: string): Promise<string> {
  const { rows } = await pool.query<[unknown]>({ text: query, rowMode: 'array' })
  return String(rows[0]?.[0])
}
