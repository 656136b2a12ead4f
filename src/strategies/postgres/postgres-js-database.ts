import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import type { PostgresJs, PostgresJsTransaction } from './clients.js'
import { rowsOf, type Row } from './answer.js'
import type { Database, Session, TransactionOptions, Value } from './database.js'
import { isLost, isSilence, noAnswer, noConnection, storeError } from './store-error.js'

/** Errors of postgres.js that come before anything was sent. */
const UNSENT = ['CONNECT_TIMEOUT', 'CONNECTION_ENDED', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']

/** Over `postgres()` of postgres.js. */
export class PostgresJsDatabase implements Database {
  readonly #sql: PostgresJs
  readonly #timeoutMs: number

  constructor(sql: PostgresJs, timeoutMs: number) {
    this.#sql = sql
    this.#timeoutMs = timeoutMs
  }

  async query(text: string, values: readonly Value[]): Promise<readonly Row[]> {
    const query = this.#sql.unsafe(text, [...values])
    try {
      return rowsOf(await withTimeLimit(Promise.resolve(query), this.#timeoutMs))
    } catch (error) {
      if (error !== TIMED_OUT) throw failed(error)
      // Of postgres.js' queries: the connection that one is on.
      const isUnsent = (query as { state?: unknown }).state === null
      // It is sent as soon as a connection is free: postgres.js has no way to take it back that works in all its states.
      throw isUnsent ? noConnection(this.#timeoutMs, 'unknown') : noAnswer(this.#timeoutMs, 'unknown')
    }
  }

  async transaction<T>(
    work: (session: Session) => Promise<T>,
    { statementTimeoutMs = this.#timeoutMs }: TransactionOptions = {},
  ): Promise<T> {
    const timeoutMs = this.#timeoutMs
    let working: Promise<T> | undefined
    let begin: () => void = () => undefined
    const begins = new Promise<void>((resolve) => (begin = resolve))
    let isLate = false
    const done = this.#sql.begin('isolation level read committed', (transaction) => {
      // Rolls back.
      if (isLate) throw TIMED_OUT
      working = work({ query: (text, values) => queryIn(transaction, text, values, statementTimeoutMs) })
      begin()
      return working
    })
    done.catch(() => undefined)
    try {
      await withTimeLimit(Promise.race([begins, done]), timeoutMs)
    } catch (error) {
      isLate = error === TIMED_OUT
      throw isLate ? noConnection(timeoutMs, 'refused') : failed(error)
    }
    let result: T
    try {
      result = await working!
    } catch (error) {
      // It is rolled back, by a server that is silent when it gets to it.
      if (!isSilence(error)) await withTimeLimit(done, timeoutMs).catch(() => undefined)
      throw failed(error)
    }
    try {
      await withTimeLimit(done, timeoutMs)
      return result
    } catch (error) {
      throw error === TIMED_OUT ? noAnswer(timeoutMs, 'unknown') : failed(error)
    }
  }

  /** postgres.js has a connection for this, and listens again by itself when that was lost. */
  async listen(channel: string, heard: (payload: string) => void, lost: () => void): Promise<() => Promise<void>> {
    let isFirst = true
    const listening = () => {
      if (!isFirst) lost()
      isFirst = false
    }
    try {
      const listens = await withTimeLimit(Promise.resolve(this.#sql.listen(channel, heard, listening)), this.#timeoutMs)
      return async () => {
        await withTimeLimit(listens.unlisten(), this.#timeoutMs)
      }
    } catch (error) {
      throw error === TIMED_OUT ? noAnswer(this.#timeoutMs, 'refused') : storeError(error, 'refused')
    }
  }

  open(): void {
    // It needs nothing.
  }

  close(): void {
    // It keeps nothing.
  }
}

async function queryIn(
  transaction: PostgresJsTransaction,
  text: string,
  values: readonly Value[],
  timeoutMs: number,
): Promise<readonly Row[]> {
  try {
    return rowsOf(await withTimeLimit(Promise.resolve(transaction.unsafe(text, [...values])), timeoutMs))
  } catch (error) {
    throw error === TIMED_OUT ? noAnswer(timeoutMs, 'refused') : storeError(error, 'refused')
  }
}

function failed(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown }
  return storeError(error, UNSENT.includes(String(code)) || !isLost(error) ? 'refused' : 'unknown')
}
