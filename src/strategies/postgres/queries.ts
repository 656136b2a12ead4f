import { isDuequeError } from '../../base/errors.js'
import { StoreHealth } from '../store/store-health.js'
import type { PostgresTransaction } from './clients.js'
import type { Row } from './answer.js'
import type { Database, Session, Value } from './database.js'
import { statementsFor, type Statements } from './statements.js'
import { isOfARow, isPassing } from './store-error.js'
import { transactionSession } from './transactions/transaction-session.js'

/** Sends a statement by its name. */
export type Run = (statement: keyof Statements, values: readonly Value[]) => Promise<readonly Row[]>

const ATTEMPTS = 5

/** The statements of a schema on a database. */
export class Queries {
  readonly #database: Database
  readonly #statements: Statements
  readonly #health = new StoreHealth()

  constructor(database: Database, schema: string) {
    this.#database = database
    this.#statements = statementsFor(schema)
  }

  /** In a transaction of its own. */
  readonly run: Run = (statement, values) => this.#watched(() => this.#runOn(this.#database)(statement, values))

  transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    return this.#watched(() => this.#database.transaction((session) => work(this.#runOn(session))))
  }

  /** In the caller's transaction, which is not tried again, because it holds statements of the caller. */
  runIn(transaction: PostgresTransaction): Run {
    return this.#runOn(transactionSession(transaction))
  }

  /** By the last answers, or their failing. */
  health(): 'up' | 'down' {
    return this.#health.isUp ? 'up' : 'down'
  }

  #runOn(session: Session): Run {
    return (statement, values) => session.query(this.#statements[statement], values)
  }

  async #watched<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const begunAt = performance.now()
      try {
        const result = await work()
        this.#health.answered()
        return result
      } catch (error) {
        if (isPassing(error) && attempt < ATTEMPTS) continue
        if (isOfARow(error) || isPassing(error)) this.#health.answered()
        else if (isDuequeError(error, 'STORE_ERROR')) this.#health.failed(begunAt)
        throw error
      }
    }
  }
}
