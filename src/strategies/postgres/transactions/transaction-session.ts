import { errorText, type DuequeError } from '../../../base/errors.js'
import { rowsIn, rowsOf } from '../answer.js'
import { isPostgresJsTransaction, type PostgresTransaction } from '../clients.js'
import type { Session, Value } from '../database.js'
import { sqlState, storeError } from '../store-error.js'
import { isOrmTransaction } from './orm-transaction.js'
import { wrongTransaction } from './wrong-transaction.js'

/**
 * What the caller's transaction cannot be used for, by SQLSTATE.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNFIT: Readonly<Record<string, string>> = {
  25006: 'a transaction that may write',
  '3F000': 'one on the database of the strategy',
  '42P01': 'one on the database of the strategy',
}

/** The caller's transaction. What fails in it is not written, since the caller alone can commit. */
export function transactionSession(transaction: PostgresTransaction): Session {
  return {
    async query(text, values) {
      try {
        return rowsOf(rowsIn(await send(transaction, text, values)))
      } catch (error) {
        throw unfit(error) ?? storeError(error, 'refused')
      }
    },
  }
}

function send(transaction: PostgresTransaction, text: string, values: readonly Value[]): PromiseLike<unknown> {
  // As texts, because some ORMs give numbers a type. Each parameter is cast.
  if (isOrmTransaction(transaction))
    return transaction.query(
      text,
      values.map((value) => (value === null ? null : String(value))),
    )
  return isPostgresJsTransaction(transaction)
    ? transaction.unsafe(text, [...values])
    : transaction.query(text, [...values])
}

function unfit(error: unknown): DuequeError<'INVALID_OPTION'> | undefined {
  const expected = UNFIT[sqlState(error) ?? '']
  if (expected === undefined) return undefined
  return wrongTransaction(expected, `the error: ${errorText(error)}`, storeError(error, 'refused').cause)
}
