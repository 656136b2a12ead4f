import type { PostgresJs } from './clients.js'
import type { Database, Row, Session, Value } from './database.js'
import { isLost, storeError } from './store-error.js'

/** Errors of postgres.js that come before anything was sent. */
const UNSENT = ['CONNECT_TIMEOUT', 'CONNECTION_ENDED', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']

/** Over `postgres()` of postgres.js. */
export class PostgresJsDatabase implements Database {
  readonly #sql: PostgresJs

  constructor(sql: PostgresJs) {
    this.#sql = sql
  }

  async query(text: string, values: readonly Value[]): Promise<readonly Row[]> {
    try {
      return (await this.#sql.unsafe(text, [...values])) as Row[]
    } catch (error) {
      throw failed(error)
    }
  }

  async transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    let result: { of: T } | undefined
    try {
      await this.#sql.begin('isolation level read committed', async (transaction) => {
        const query = async (text: string, values: readonly Value[]) => {
          try {
            return (await transaction.unsafe(text, [...values])) as Row[]
          } catch (error) {
            throw storeError(error, 'refused')
          }
        }
        result = { of: await work({ query }) }
      })
      return result!.of
    } catch (error) {
      throw failed(error)
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

function failed(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown }
  return storeError(error, UNSENT.includes(String(code)) || !isLost(error) ? 'refused' : 'unknown')
}
