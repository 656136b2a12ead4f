import { invalidOption } from '../../../base/errors.js'
import { hasMethods, type OrmTransaction } from './orm-transaction.js'

/** A transaction of drizzle-orm on PostgreSQL, whatever its driver is. */
export interface DrizzleTransaction {
  execute(query: DrizzleQuery | string): PromiseLike<unknown>
  rollback(): never
}

/** What is used of a query of drizzle's: it makes SQL and parameters of itself. */
export interface DrizzleQuery {
  getSQL(): { toQuery(config: never): { sql: string; params: unknown[] } }
}

/**
 * A transaction of drizzle-orm, for the option `transaction`: the argument of the callback of `db.transaction`.
 *
 * @throws DuequeError `INVALID_OPTION` for `db` itself
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.insert(appointments).values({ … })
 *   await mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: '24h', transaction: fromDrizzle(tx) })
 * })
 */
export function fromDrizzle(tx: DrizzleTransaction): OrmTransaction {
  if (!isDrizzleTransaction(tx))
    throw invalidOption('transaction', 'a transaction of drizzle-orm, such as db.transaction gives its callback', tx)
  return {
    orm: 'drizzle-orm',
    of: tx,
    isOpen: () => undefined,
    async query(text, values) {
      const query: DrizzleQuery = { getSQL: () => ({ toQuery: () => ({ sql: text, params: [...values] }) }) }
      try {
        return await tx.execute(query)
      } catch (error) {
        // Its own text is the SQL with the values.
        throw (error as Error).cause ?? error
      }
    },
  }
}

export function isDrizzleTransaction(value: unknown): value is DrizzleTransaction {
  return hasMethods(value, 'execute', 'rollback', 'setTransaction')
}
