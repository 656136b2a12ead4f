import { LATE, within } from '../../within.js'
import type { PostgresJs } from './clients.js'
import type { Database, Row, Session, Value } from './database.js'
import { isLost, noConnection, storeError } from './store-error.js'

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
      return (await untilBegun(query, this.#timeoutMs)) as Row[]
    } catch (error) {
      // It is sent as soon as a connection is free: postgres.js has no way to take it back that works in all its states.
      throw error === LATE ? noConnection(this.#timeoutMs, 'unknown') : failed(error)
    }
  }

  async transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    let result: { of: T } | undefined
    let begin: () => void = () => undefined
    const begins = new Promise<void>((resolve) => (begin = resolve))
    let isLate = false
    try {
      const done = this.#sql.begin('isolation level read committed', async (transaction) => {
        begin()
        // Rolls back.
        if (isLate) throw LATE
        const query = async (text: string, values: readonly Value[]) => {
          try {
            return (await transaction.unsafe(text, [...values])) as Row[]
          } catch (error) {
            throw storeError(error, 'refused')
          }
        }
        result = { of: await work({ query }) }
      })
      await within(Promise.race([begins, done]), this.#timeoutMs)
      await done
      return result!.of
    } catch (error) {
      isLate = error === LATE
      throw isLate ? noConnection(this.#timeoutMs, 'refused') : failed(error)
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
      const listens = await this.#sql.listen(channel, heard, listening)
      return async () => {
        await listens.unlisten()
      }
    } catch (error) {
      throw storeError(error, 'refused')
    }
  }

  open(): void {
    // It needs nothing.
  }

  close(): void {
    // It keeps nothing.
  }
}

/** @throws {@link LATE} if it was on no connection by then. What has begun takes as long as it takes. */
function untilBegun<T>(query: PromiseLike<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Of postgres.js' queries: the connection that one is on.
      if ((query as { state?: unknown }).state === null) reject(LATE)
    }, ms)
    void Promise.resolve(query)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

function failed(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown }
  return storeError(error, UNSENT.includes(String(code)) || !isLost(error) ? 'refused' : 'unknown')
}
