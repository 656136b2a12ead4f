import { errorText, invalidOption } from '../../../base/errors.js'
import { assertOpen, hasMethods, type OrmTransaction } from './orm-transaction.js'

/** A transaction of knex. */
export interface KnexTransaction {
  raw(sql: string, bindings: readonly (string | null)[]): PromiseLike<unknown>
  isCompleted(): boolean
}

/**
 * A transaction of knex, for the option `transaction`: the argument of the callback of `knex.transaction`, or the result of
 * `await knex.transaction()`.
 *
 * @throws DuequeError `INVALID_OPTION` for `knex` itself, and for a transaction that is over
 * @example
 * await knex.transaction(async (trx) => {
 *   await trx('appointments').insert({ … })
 *   await mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: '24h', transaction: fromKnex(trx) })
 * })
 */
export function fromKnex(trx: KnexTransaction): OrmTransaction {
  if (!isKnexTransaction(trx))
    throw invalidOption('transaction', 'a transaction of knex, such as knex.transaction gives its callback', trx)
  return assertOpen({
    orm: 'knex',
    of: trx,
    isOpen: () => !trx.isCompleted(),
    async query(text, values) {
      const { sql, bindings } = asBindings(text, values)
      try {
        return await trx.raw(sql, bindings)
      } catch (error) {
        throw withoutSql(error)
      }
    },
  })
}

export function isKnexTransaction(value: unknown): value is KnexTransaction {
  return typeof value === 'function' && hasMethods(value, 'raw', 'isCompleted')
}

/** knex numbers parameters itself, in the order of its question marks, of which dueque's statements have none. */
function asBindings(text: string, values: readonly (string | null)[]) {
  const bindings: (string | null)[] = []
  const sql = text.replace(/\$(\d+)/g, (_, number: string) => {
    bindings.push(values[Number(number) - 1] ?? null)
    return '?'
  })
  return { sql, bindings }
}

/** knex puts the SQL and its values in front of the server's text. */
function withoutSql(error: unknown): Error {
  const { code } = Object(error) as { code?: unknown }
  return Object.assign(new Error(errorText(error).split(' - ').at(-1)), { code })
}
