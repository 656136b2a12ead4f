import type { OrmTransaction } from '../../../../src/strategies/postgres/index.js'

/** A transaction that an ORM has open. */
export interface OwnTransaction {
  /** For the option `transaction`. */
  readonly transaction: OrmTransaction
  /** The ORM's own object. */
  readonly own: unknown
  /** A statement of the caller's. */
  readonly run: (sql: string) => PromiseLike<unknown>
  /** A transaction inside of it, which is rolled back alone when `work` rejects. Not every ORM has them. */
  readonly nested?: (work: (transaction: OrmTransaction) => Promise<unknown>) => Promise<unknown>
}

/** An ORM on a database. */
export interface Orm {
  /** What makes a transaction for dueque of one of the ORM's. */
  readonly from: (own: never) => OrmTransaction
  /** What has no transaction, and may be taken for one. */
  readonly pool: unknown
  /** Commits when `work` resolves, and rolls back when it rejects. */
  transaction<T>(work: (transaction: OwnTransaction) => Promise<T>): Promise<T>
  end(): Promise<unknown>
}
