import type { OrmTransaction } from './transactions/orm-transaction.js'

/**
 * What is used of the clients of PostgreSQL, typed by its shape: dueque imports neither.
 */

/** A pool of `pg`: `new Pool()`. */
export interface PgPool {
  connect(): Promise<PgPoolClient>
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
  readonly options?: { readonly max?: number | undefined }
}

export interface PgPoolClient extends PgSession {
  release(destroy?: boolean): void
}

export interface PgSession {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>
  on?(event: string, listener: (...args: unknown[]) => void): unknown
  removeListener?(event: string, listener: (...args: unknown[]) => void): unknown
}

/** A connection of `pg` on its own: `new Client()`, not connected yet. */
export interface PgClient extends PgSession {
  connect(): Promise<unknown>
  end(): Promise<void>
}

/** A `Client` or `PoolClient` of `pg` after `BEGIN`; not a pool. */
export interface PgTransaction {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>
  getTransactionStatus?(): string | null
  totalCount?: never
  /** An entity manager of TypeORM has one: see `fromTypeOrm`. */
  queryRunner?: never
}

/** `postgres()` of postgres.js. */
export interface PostgresJs {
  unsafe(text: string, values: (string | number | null)[]): PromiseLike<readonly unknown[]>
  begin(options: string, work: (transaction: PostgresJsTransaction) => Promise<unknown>): Promise<unknown>
  listen(channel: string, heard: (payload: string) => void, listening: () => void): PromiseLike<Listening>
  end(): Promise<void>
}

export interface Listening {
  unlisten(): Promise<unknown>
}

/** What the callback of `sql.begin` gets. */
export interface PostgresJsTransaction {
  unsafe(text: string, values: (string | number | null)[]): PromiseLike<readonly unknown[]>
  savepoint: unknown
}

/** A transaction of the caller: of pg, of postgres.js, or of an ORM by `fromKnex`, `fromKysely`, … */
export type PostgresTransaction = PgTransaction | PostgresJsTransaction | OrmTransaction

export function isPostgresJs(client: unknown): client is PostgresJs {
  return typeof client === 'function' && typeof (client as Partial<PostgresJs>).unsafe === 'function'
}

export function isPostgresJsTransaction(client: PostgresTransaction): client is PostgresJsTransaction {
  return typeof client === 'function'
}
