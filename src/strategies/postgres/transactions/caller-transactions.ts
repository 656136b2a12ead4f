import { isPostgresJsTransaction, type PostgresTransaction } from '../clients.js'
import type { Queries, Run } from '../queries.js'
import { checkTransaction, isOpen } from './check-transaction.js'
import { isOrmTransaction } from './orm-transaction.js'
import { wrongTransaction } from './wrong-transaction.js'

/** A transaction of the caller that was checked. */
export interface Inside {
  readonly run: Run
  /**
   * What statements that write compare with the server's id of their transaction. Null if the client itself tells that its
   * transaction is open. Otherwise the transaction may be over, and its connection back in a pool.
   */
  readonly xid: string | null
}

/** A statement has run outside of the transaction that was checked, and changed nothing. */
class Outside extends Error {}

/** @throws Outside */
export function assertInside(isInside: boolean): void {
  if (!isInside) throw new Outside()
}

/** The transactions of the caller, in which dueque works as one of several. */
export class CallerTransactions {
  readonly #queries: Queries
  /** The latest work in each. */
  readonly #turns = new WeakMap<object, Promise<unknown>>()
  /** Connections and transactions of the right database. */
  readonly #known = new WeakSet<object>()
  readonly #xids = new WeakMap<object, string>()
  #database: string | null | undefined

  constructor(queries: Queries) {
    this.#queries = queries
  }

  /** Notes which database the pool is of. */
  async open(): Promise<void> {
    const [row] = await this.#queries.run('place', [])
    this.#database = row?.[DATABASE]
  }

  /**
   * Works in a transaction, after all that was begun in it before: connections take one statement at a time, and steps of
   * two calls do not mix.
   *
   * @param work repeated if a client of pg was in another transaction at the last call
   * @throws DuequeError `INVALID_OPTION`, `STORE_ERROR`
   */
  async run<T>(transaction: PostgresTransaction, work: (inside: Inside) => Promise<T>): Promise<T> {
    checkTransaction(transaction)
    const key = isOrmTransaction(transaction) ? transaction.of : transaction
    const before = this.#turns.get(key)
    const turn = before ? before.then(() => this.#enter(key, transaction, work)) : this.#enter(key, transaction, work)
    this.#turns.set(
      key,
      turn.catch(() => undefined),
    )
    return turn
  }

  async #enter<T>(key: object, transaction: PostgresTransaction, work: (inside: Inside) => Promise<T>): Promise<T> {
    // It may be over by now.
    checkTransaction(transaction)
    const run = this.#queries.runIn(transaction)
    if (isOpen(transaction)) {
      if (!this.#known.has(key)) await this.#check(run)
      this.#known.add(key)
      return work({ run, xid: null })
    }
    const last = this.#xids.get(key)
    try {
      if (last !== undefined) return await work({ run, xid: last })
    } catch (error) {
      // It is over. Its connection may be in the transaction of somebody else by now.
      if (isOfOne(transaction) || !(error instanceof Outside)) throw orOver(error)
    }
    const xid = await this.#check(run)
    this.#xids.set(key, xid)
    return work({ run, xid }).catch((error: unknown) => {
      throw orOver(error)
    })
  }

  /** @returns the server's id of the transaction */
  async #check(run: Run): Promise<string> {
    const [row] = await run('place', [])
    const [xid, readonly, name, database] = row ?? []
    if (readonly === 'on') throw wrongTransaction('a transaction that may write', 'a read-only one')
    if (database !== this.#database)
      throw wrongTransaction('one on the database of the strategy', `one on the database ${name}`)
    return xid!
  }
}

/** Of the answer to `place`. */
const DATABASE = 3

/** Whether an object stands for one transaction. A client of pg may be in one after another. */
function isOfOne(transaction: PostgresTransaction): boolean {
  return isOrmTransaction(transaction) || isPostgresJsTransaction(transaction)
}

function orOver(error: unknown): unknown {
  if (!(error instanceof Outside)) return error
  return wrongTransaction('a transaction before its commit or rollback', 'a client outside of it')
}
