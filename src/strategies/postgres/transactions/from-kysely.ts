import { errorText, invalidOption } from '../../../base/errors.js'
import { hasMethods, overError, type OrmTransaction } from './orm-transaction.js'

/** A transaction of kysely, controlled or not. */
export interface KyselyTransaction {
  readonly isTransaction: true
  withoutPlugins(): { executeQuery(query: KyselyQuery): Promise<{ readonly rows: unknown[] }> }
}

/** What is sent of a compiled query. */
export interface KyselyQuery {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly query: {
    readonly kind: 'RawNode'
    readonly sqlFragments: readonly string[]
    readonly parameters: readonly []
  }
  readonly queryId: { readonly queryId: string }
}

/**
 * A transaction of kysely, for the option `transaction`: the argument of the callback of `db.transaction().execute`, or a
 * controlled one. Its plugins do not see dueque's statements.
 *
 * @throws DuequeError `INVALID_OPTION` for `db` itself
 * @example
 * await db.transaction().execute(async (trx) => {
 *   await trx.insertInto('appointments').values({ … }).execute()
 *   await mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: '24h', transaction: fromKysely(trx) })
 * })
 */
export function fromKysely(trx: KyselyTransaction): OrmTransaction {
  if (!isKyselyTransaction(trx))
    throw invalidOption(
      'transaction',
      'a transaction of kysely, such as db.transaction().execute gives its callback',
      trx,
    )
  return {
    orm: 'kysely',
    of: trx,
    isOpen: () => undefined,
    async query(text, values) {
      const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] } as const
      const compiled = { sql: text, parameters: values, query, queryId: { queryId: 'dueque' } }
      try {
        return await trx.withoutPlugins().executeQuery(compiled)
      } catch (error) {
        throw /already (?:committed|rolled back)/.test(errorText(error)) ? overError('kysely', error) : error
      }
    },
  }
}

export function isKyselyTransaction(value: unknown): value is KyselyTransaction {
  return isOfKysely(value) && (value as Partial<KyselyTransaction>).isTransaction === true
}

export function isOfKysely(value: unknown): boolean {
  return hasMethods(value, 'withoutPlugins', 'executeQuery')
}
