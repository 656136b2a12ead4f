import type { Row } from './answer.js'

export type Value = string | number | null

/** Something that takes statements, one after another. Errors are `STORE_ERROR`. */
export interface Session {
  query(text: string, values: readonly Value[]): Promise<readonly Row[]>
}

export interface TransactionOptions {
  /** How long to wait for the answer to each statement. @default that of the `Database` */
  statementTimeoutMs?: number | undefined
}

/** A pool of connections. A query on it is a transaction of its own. Each call ends within its time-out. */
export interface Database extends Session {
  /** In READ COMMITTED, also if the default differs. Rolled back when `work` rejects. */
  transaction<T>(work: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Takes a connection that listens on a channel.
   *
   * @param lost may be called several times, or never
   */
  listen(channel: string, heard: (payload: string) => void, lost: () => void): Promise<() => Promise<void>>
  open(): void
  /** Takes leave of the pool, which stays open. */
  close(): void
}
