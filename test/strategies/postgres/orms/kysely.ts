import { CamelCasePlugin, Kysely, ParseJSONResultsPlugin, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { fromKysely } from '../../../../src/strategies/postgres/index.js'
import type { Orm } from './orm.js'

/** With plugins that change what a statement answers. */
export function openKysely(url: string): Orm {
  const dialect = new PostgresDialect({ pool: new Pool({ connectionString: url, max: 2 }) })
  const db = new Kysely<unknown>({ dialect, plugins: [new CamelCasePlugin(), new ParseJSONResultsPlugin()] })
  return {
    from: fromKysely,
    pool: db,
    transaction: (work) =>
      db
        .transaction()
        .execute((own) => work({ own, transaction: fromKysely(own), run: (text) => sql.raw(text).execute(own) })),
    end: () => db.destroy(),
  }
}
