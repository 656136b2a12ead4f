import { invalidOption } from '../../../base/errors.js'
import { assertOpen, hasMethods, type OrmTransaction } from './orm-transaction.js'

/** An entity manager of TypeORM. */
export interface TypeOrmManager {
  readonly queryRunner?: TypeOrmQueryRunner | undefined
}

export interface TypeOrmQueryRunner {
  readonly isTransactionActive: boolean
  readonly isReleased: boolean
  query(text: string, values: (string | null)[] | undefined, useStructuredResult: true): Promise<{ records: unknown[] }>
}

/**
 * A transaction of TypeORM, for the option `transaction`: the argument of the callback of `dataSource.transaction`, or
 * `queryRunner.manager` after `startTransaction`.
 *
 * @throws DuequeError `INVALID_OPTION` for `dataSource.manager`, which has no transaction, and for a transaction that is over
 * @example
 * await dataSource.transaction(async (manager) => {
 *   await manager.save(appointment)
 *   await mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: '24h', transaction: fromTypeOrm(manager) })
 * })
 */
export function fromTypeOrm(manager: TypeOrmManager): OrmTransaction {
  const { queryRunner } = Object(manager) as TypeOrmManager
  if (!isTypeOrmManager(manager) || !queryRunner)
    throw invalidOption(
      'transaction',
      'a manager of TypeORM, such as dataSource.transaction gives its callback',
      manager,
    )
  return assertOpen({
    orm: 'TypeORM',
    of: queryRunner,
    isOpen: () => queryRunner.isTransactionActive && !queryRunner.isReleased,
    async query(text, values) {
      try {
        return (await queryRunner.query(text, [...values], true)).records
      } catch (error) {
        throw (error as { driverError?: unknown }).driverError ?? error
      }
    },
  })
}

export function isTypeOrmManager(value: unknown): value is TypeOrmManager {
  return hasMethods(value, 'query', 'getRepository')
}
