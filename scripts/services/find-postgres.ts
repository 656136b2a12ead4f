import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { install } from '../broker/debian.js'
import { findService, programsOf, type FindOptions, type Installed } from '../broker/find-service.js'
import { poll } from '../broker/poll.js'
import { say } from '../broker/say.js'
import { greetPostgres } from './postgres-client.js'
import { PrivatePostgres } from './private-postgres.js'
import type { Service } from './service.js'

const IMAGE = 'postgres:16-alpine'

const INSTALLED: Installed = {
  programs: ['initdb', 'postgres'],
  /** Debian keeps each version's programs off the PATH. The newest comes first. */
  get folders() {
    const versions = '/usr/lib/postgresql'
    if (!existsSync(versions)) return []
    const newestFirst = readdirSync(versions).sort((a, b) => Number(b) - Number(a))
    return newestFirst.map((version) => join(versions, version, 'bin'))
  },
  install: () => install('postgresql'),
}

const PGBOUNCER: Installed = {
  programs: ['pgbouncer'],
  folders: ['/usr/sbin'],
  install: () => install('pgbouncer'),
}

const CHOICES = `No PostgreSQL to work with. One of these gives one:
  DATABASE_URL=postgres://user:password@host:5432/postgres   a running PostgreSQL, whose user may create databases
  Docker                                                     a running engine that has or can pull ${IMAGE}
  initdb and postgres                                        installed, on the PATH or in /usr/lib/postgresql/*/bin;
                                                             a private one is started
  apt-get                                                    as root on Debian or Ubuntu: postgresql is installed`

/**
 * Finds a PostgreSQL or starts one, in the order of the list above. `DUEQUE_BROKER=local` leaves Docker out. What it
 * starts does not sync to disk (`fsync` off, for speed), unless it has to be durable, and is gone after `stop` and also
 * when this process ends without it.
 */
export function findPostgres(options: FindOptions = {}): Promise<Service> {
  const { DATABASE_URL } = process.env
  const ways = {
    given: DATABASE_URL ? () => runningPostgres(DATABASE_URL) : undefined,
    container: async () => {
      const { startPostgresContainer } = await import('./docker.js')
      return startPostgresContainer(IMAGE)
    },
    installed: INSTALLED,
    start: (programs: string) => privatePostgres(programs, options),
    choices: CHOICES,
  }
  return findService(ways, options)
}

/** Folder of initdb and postgres, which are installed if they are missing and can be; otherwise undefined. */
export function postgresPrograms(): Promise<string | undefined> {
  return programsOf(INSTALLED)
}

/** As {@link postgresPrograms}, of pgbouncer. */
export function pgbouncerPrograms(): Promise<string | undefined> {
  return programsOf(PGBOUNCER)
}

async function runningPostgres(url: string): Promise<Service> {
  const { host } = new URL(url) // without user and password
  const version = await poll(() => greetPostgres(url), {
    what: `The PostgreSQL of DATABASE_URL (${host}) takes clients`,
    intervalMs: 500,
  })
  return { url, how: `PostgreSQL ${version} at ${host}, from DATABASE_URL`, stop: () => Promise.resolve() }
}

async function privatePostgres(programs: string, { isDurable = false }: FindOptions): Promise<Service> {
  say(`Starting a private PostgreSQL with the programs in ${programs} …`)
  const postgres = await PrivatePostgres.start({ programs, fsync: isDurable })
  const how = `PostgreSQL ${postgres.version}, a private one (${new URL(postgres.url).host}) of ${programs}`
  const restart = async () => {
    await postgres.kill()
    await postgres.restart()
  }
  return { url: postgres.url, how, restart, stop: () => postgres.stop() }
}
