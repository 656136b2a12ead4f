import createKnex from 'knex'
import { fromKnex } from '../../../../src/strategies/postgres/index.js'
import type { Orm } from './orm.js'

export function openKnex(url: string): Orm {
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
  return {
    from: fromKnex,
    pool: knex,
    transaction: (work) =>
      knex.transaction((own) =>
        work({
          ...{ own, transaction: fromKnex(own), run: (sql) => own.raw(sql) },
          nested: (inside) => own.transaction((inner) => inside(fromKnex(inner))),
        }),
      ),
    end: () => knex.destroy(),
  }
}
