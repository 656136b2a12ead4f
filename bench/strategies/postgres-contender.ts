import { postgres } from 'dueque/postgres'
import { Pool } from 'pg'
import { postgresPrograms } from '../../scripts/services/find-postgres.js'
import { PrivatePostgres } from '../../scripts/services/private-postgres.js'
import type { Contender, Entrant } from './contender.js'
import { withDescendants } from './processes.js'

const SIZE = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dueque' AND c.relkind = 'r'`
/** Its postmaster writes its process id into the first line. */
const PID = `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid`

/** Runs on a private PostgreSQL with default settings. */
export const postgresContender: Contender = {
  name: 'postgres()',
  async enter() {
    const programs = await postgresPrograms()
    if (programs === undefined) return 'no PostgreSQL is installed'
    const server = await PrivatePostgres.start({ programs })
    const pool = new Pool({ connectionString: server.url, max: 10 })
    pool.on('error', () => undefined)
    const one = async <T>(query: string) => (await pool.query<Record<string, T>>(query)).rows[0]!
    const { pid } = await one<string>(PID)
    const entrant: Entrant = {
      strategy: () => postgres({ pool }),
      size: async () => Number((await one<string>(SIZE))['bytes']),
      sizeIs: 'disk',
      processes: () => withDescendants(Number(pid)),
      async leave() {
        await pool.end()
        await server.stop()
      },
    }
    return entrant
  },
}
