import { errorText, type DuequeError } from '../../../base/errors.js'
import { wrongTransaction } from './wrong-transaction.js'

/** A transaction of an ORM, for the option `transaction`: the result of `fromKnex` and its like. */
export interface OrmTransaction {
  /** The name of the ORM. */
  readonly orm: string
  /** The ORM's own object. */
  readonly of: object
  /** False once it is committed or rolled back. Undefined if the ORM does not tell. */
  isOpen(): boolean | undefined
  /**
   * Runs one statement, and resolves to its rows in a shape that `rowsIn` knows. Rejects with the error of the server,
   * without the SQL and the values that some ORMs add to its text.
   */
  query(text: string, values: readonly (string | null)[]): PromiseLike<unknown>
}

export function isOrmTransaction(transaction: unknown): transaction is OrmTransaction {
  const { orm, isOpen, query } = Object(transaction) as Partial<OrmTransaction>
  return typeof orm === 'string' && typeof isOpen === 'function' && typeof query === 'function'
}

/** @throws DuequeError `INVALID_OPTION` for a transaction that is over */
export function assertOpen(transaction: OrmTransaction): OrmTransaction {
  if (transaction.isOpen() === false) throw overError(transaction.orm)
  return transaction
}

/** The error of a transaction that was committed or rolled back. */
export function overError(orm: string, cause?: unknown): DuequeError<'INVALID_OPTION'> {
  const because = cause === undefined ? '' : `: ${errorText(cause)}`
  return wrongTransaction(`a transaction of ${orm} before its commit or rollback`, `one that is over${because}`, cause)
}

/** Whether a value has all of these methods. */
export function hasMethods(value: unknown, ...methods: readonly string[]): boolean {
  const object = Object(value) as Record<string, unknown>
  return methods.every((method) => typeof object[method] === 'function')
}
