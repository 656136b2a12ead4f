import { rowsOf, type Row } from './answer.js'
import { isPostgresJs, type PgPool, type PostgresJs, type PostgresTransaction } from './clients.js'
import { isPostgresJsTransaction } from './clients.js'
import { PgDatabase } from './pg-database.js'
import { PostgresJsDatabase } from './postgres-js-database.js'
import { storeError } from './store-error.js'

/** The default time-out, in milliseconds, for a connection of the pool and for each answer. */
export const POOL_TIMEOUT_MS = 10_000

export type Value = string | number | null

/** Something that takes statements, one after another. Errors are `STORE_ERROR`. */
export interface Session {
  query(text: string, values: readonly Value[]): Promise<readonly Row[]>
}

export interface TransactionOptions {
  /** How long the answer to each statement is waited for. @default that of the `Database` */
  statementTimeoutMs?: number | undefined
}

/** A pool of connections. A query on it is a transaction of its own. Nothing is waited for longer than its time-out. */
export interface Database extends Session {
  /** In READ COMMITTED, whatever the default is. Rolled back when `work` rejects. */
  transaction<T>(work: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Takes a connection that hears of a channel.
   *
   * @param lost may be called several times, or never
   */
  listen(channel: string, heard: (payload: string) => void, lost: () => void): Promise<() => Promise<void>>
  open(): void
  /** Takes leave of the pool, which stays open. */
  close(): void
}

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
