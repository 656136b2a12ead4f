import { DataSource } from 'typeorm'
import { fromTypeOrm } from '../../../../src/strategies/postgres/index.js'
import type { Orm } from './orm.js'

export async function openTypeOrm(url: string): Promise<Orm> {
  const source = await new DataSource({ type: 'postgres', url, poolSize: 2 }).initialize()
  return {
    from: fromTypeOrm,
    pool: source.manager,
    transaction: (work) =>
      source.transaction((own) =>
        work({
          ...{ own, transaction: fromTypeOrm(own), run: (sql) => own.query(sql) },
          nested: (inside) => own.transaction((inner) => inside(fromTypeOrm(inner))),
        }),
      ),
    end: () => source.destroy(),
  }
}
