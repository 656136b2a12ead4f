import { isPostgresJs, type PgPool, type PostgresJs } from './clients.js'
import type { Database } from './database.js'
import { PgDatabase } from './pg-database.js'
import { PostgresJsDatabase } from './postgres-js-database.js'

/** The default time-out, in milliseconds, for a connection of the pool and for each answer. */
export const POOL_TIMEOUT_MS = 10_000

/** @param timeoutMs how long a connection of the pool is waited for, and each answer */
export function databaseOf(pool: PgPool | PostgresJs, timeoutMs = POOL_TIMEOUT_MS): Database {
  return isPostgresJs(pool) ? new PostgresJsDatabase(pool, timeoutMs) : new PgDatabase(pool, timeoutMs)
}
