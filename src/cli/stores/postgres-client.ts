import { errorText } from '../../base/errors.js'
import type { PgPool, PostgresJs } from '../../strategies/postgres/clients.js'
import { withTimeLimit } from '../../base/time-limit.js'
import { CommandError, usage } from '../exit.js'
import { importClient, type ClientPackage } from './import-client.js'

/** A pool that has reached its server. */
export interface PostgresConnection {
  readonly pool: PgPool | PostgresJs
  ask: (text: string, values?: string[]) => Promise<readonly Record<string, unknown>[]>
  close: () => Promise<void>
}

const CONNECT_TIMEOUT_SECONDS = 10
const END_MS = 2000
const NAME = 'dueque'

const PACKAGES: readonly ClientPackage<(url: string) => PostgresConnection>[] = [
  { name: 'pg', use: (module) => byPg(module as Pg) },
  { name: 'postgres', use: (module) => byPostgresJs(module as { default: PostgresJsFactory }) },
]

/** @throws CommandError */
export async function connectPostgres(url: string): Promise<PostgresConnection> {
  // Otherwise the client's own error shows it, password and all.
  if (!/^postgres(?:ql)?:/.test(url) || !URL.canParse(url))
    throw usage('--postgres: expected postgres://user:password@host:5432/database')
  const connection = (await importClient('--postgres', PACKAGES))(url)
  try {
    await connection.ask('SELECT 1')
    return connection
  } catch (error) {
    await connection.close()
    throw new CommandError('STORE_UNREACHABLE', `PostgreSQL: ${textOf(error)}`)
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return withTimeLimit(work, CONNECT_TIMEOUT_SECONDS * 1000)
}

/** Ends the client, without waiting long for a silent server. */
function ended(work: Promise<void>): Promise<void> {
  return withTimeLimit(work, END_MS).catch(() => undefined)
}

/** For a host with several addresses there is an error for each, and the error of them all has no text. */
function textOf(error: unknown): string {
  const { errors, code } = error as { errors?: unknown[]; code?: unknown }
  return errorText(error) || errorText(errors?.[0] ?? code)
}

/** The part of pg that is used. */
interface Pg {
  default: { Pool: new (options: object) => PgPool & PgAsking }
}

interface PgAsking {
  query(text: string, values?: string[]): Promise<{ rows: Record<string, unknown>[] }>
  end(): Promise<void>
}

function byPg({ default: { Pool } }: Pg) {
  return (connectionString: string): PostgresConnection => {
    const options = { connectionTimeoutMillis: CONNECT_TIMEOUT_SECONDS * 1000, application_name: NAME, keepAlive: true }
    const pool = new Pool({ connectionString, ...options })
    // The next statement reports it.
    pool.on?.('error', () => undefined)
    return {
      pool,
      ask: async (text, values = []) => (await inTime(pool.query(text, values))).rows,
      close: () => ended(pool.end()),
    }
  }
}

/** The part of postgres.js that is used. */
type PostgresJsFactory = (url: string, options: object) => PostgresJs

function byPostgresJs({ default: postgres }: { default: PostgresJsFactory }) {
  return (url: string): PostgresConnection => {
    const connection = { application_name: NAME }
    const sql = postgres(url, { connect_timeout: CONNECT_TIMEOUT_SECONDS, connection, onnotice: () => undefined })
    return {
      pool: sql,
      ask: async (text, values = []) =>
        (await inTime(Promise.resolve(sql.unsafe(text, values)))) as Record<string, unknown>[],
      close: () => ended(sql.end()),
    }
  }
}
