import { rowsOf } from './answer.js'
import {
  isPostgresJs,
  isPostgresJsTransaction,
  type PgPool,
  type PostgresJs,
  type PostgresTransaction,
} from './clients.js'
import type { Database, Session } from './database.js'
import { PgDatabase } from './pg-database.js'
import { PostgresJsDatabase } from './postgres-js-database.js'
import { storeError } from './store-error.js'

/** The default time-out, in milliseconds, for a connection of the pool and for each answer. */
export const POOL_TIMEOUT_MS = 10_000

/** @param timeoutMs how long a connection of the pool is waited for, and each answer */
export function databaseOf(pool: PgPool | PostgresJs, timeoutMs = POOL_TIMEOUT_MS): Database {
  return isPostgresJs(pool) ? new PostgresJsDatabase(pool, timeoutMs) : new PgDatabase(pool, timeoutMs)
}

/** The caller's transaction. What fails in it is not written, since the caller alone can commit. */
export function sessionOf(transaction: PostgresTransaction): Session {
  return {
    async query(text, values) {
      try {
        if (isPostgresJsTransaction(transaction)) return rowsOf(await transaction.unsafe(text, [...values]))
        return rowsOf((await transaction.query(text, [...values])).rows)
      } catch (error) {
        throw storeError(error, 'refused')
      }
    },
  }
}
