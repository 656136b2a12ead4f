import { invalidOption } from '../../../base/errors.js'
import type { PgTransaction, PostgresTransaction } from '../clients.js'
import { isDrizzleTransaction } from './from-drizzle.js'
import { isKnexTransaction } from './from-knex.js'
import { isOfKysely } from './from-kysely.js'
import { isOfPrisma } from './from-prisma.js'
import { isTypeOrmManager } from './from-type-orm.js'
import { assertOpen, hasMethods, isOrmTransaction } from './orm-transaction.js'
import { wrongTransaction } from './wrong-transaction.js'

const EXPECTED =
  'a client of pg after BEGIN, what the callback of sql.begin gets, or a transaction of an ORM by fromDrizzle, fromKnex, ' +
  'fromKysely, fromPrisma or fromTypeOrm'

/** What an ORM gives, and the function that makes a transaction for dueque of it. */
const ADAPTERS: readonly [adapter: string, isIts: (value: unknown) => boolean][] = [
  ['fromKnex(trx)', isKnexTransaction],
  ['fromKysely(trx)', isOfKysely],
  ['fromDrizzle(tx)', isDrizzleTransaction],
  ['fromPrisma(tx)', isOfPrisma],
  ['fromTypeOrm(manager)', isTypeOrmManager],
  ['fromTypeOrm(queryRunner.manager)', (value) => hasMethods(value, 'query', 'startTransaction')],
]

/** @throws DuequeError `INVALID_OPTION` */
export function checkTransaction(transaction: PostgresTransaction): void {
  if (isOrmTransaction(transaction)) return void assertOpen(transaction)
  const [adapter] = ADAPTERS.find(([, isIts]) => isIts(transaction)) ?? []
  if (adapter !== undefined) throw invalidOption('transaction', `${adapter}, from dueque/postgres`, transaction)
  const isOfPostgresJs = typeof transaction === 'function'
  const isOne = isOfPostgresJs
    ? hasMethods(transaction, 'unsafe', 'savepoint')
    : hasMethods(transaction, 'query') && (transaction as PgTransaction).totalCount === undefined
  if (!isOne) throw invalidOption('transaction', EXPECTED, transaction)
  if (statusOf(transaction) === 'I')
    throw wrongTransaction('a client of pg after BEGIN (and its answer)', 'a client outside of a transaction')
}

/** Whether the client itself knows that it is in a transaction. Undefined if it cannot tell. */
export function isOpen(transaction: PostgresTransaction): boolean | undefined {
  if (isOrmTransaction(transaction)) return transaction.isOpen()
  const status = statusOf(transaction)
  return status === undefined ? undefined : status !== 'I'
}

/** From pg 8.17 on. https://www.postgresql.org/docs/current/protocol-message-formats.html: ReadyForQuery */
function statusOf(transaction: PostgresTransaction): string | undefined {
  const client = transaction as Partial<PgTransaction>
  return (hasMethods(client, 'getTransactionStatus') && client.getTransactionStatus?.()) || undefined
}
