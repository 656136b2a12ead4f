import { checkNames } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import type { Due } from '../message/due.js'
import type { Strategy } from '../strategies/strategy.js'

/** Of methods that change waiting messages, with strategies whose store has transactions. */
export interface TransactionOptions<T = unknown> {
  /**
   * The change is a part of this transaction: it counts if that commits, and not otherwise. The answer is exact inside of it.
   * Calls in one transaction run one after the other.
   * @default a transaction of its own
   */
  transaction?: T | undefined
}

type Transacting = Pick<Strategy, 'name' | 'checkTransaction'>

const OPTIONS: Record<keyof TransactionOptions, true> = { transaction: true }

/**
 * @param options of `cancel` and `cancelAll`
 * @throws DuequeError `INVALID_OPTION`
 */
export function transactionOf(strategy: Transacting, options: unknown): unknown {
  // `ids.map(mq.cancel)` passes the place of the id.
  if (options === undefined || typeof options === 'number') return undefined
  checkNames(options, OPTIONS)
  const { transaction } = options as TransactionOptions
  checkTransaction(strategy, transaction)
  return transaction
}

/**
 * Separates the due time of `reschedule` from its transaction.
 *
 * @throws DuequeError `INVALID_OPTION`
 */
export function dueAndTransaction(strategy: Transacting, given: Due & TransactionOptions): [Due, unknown] {
  if (!Object.hasOwn(Object(given) as object, 'transaction')) return [given, undefined]
  const { transaction, ...due } = given
  checkTransaction(strategy, transaction)
  return [due, transaction]
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkTransaction(strategy: Transacting, transaction: unknown): void {
  if (transaction === undefined) return
  if (!strategy.checkTransaction)
    throw invalidOption('transaction', `none with ${strategy.name}, which has no transactions`, transaction)
  strategy.checkTransaction(transaction as never)
}
