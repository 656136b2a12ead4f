import { drizzle } from 'drizzle-orm/node-postgres'
import { Pool } from 'pg'
import { fromDrizzle } from '../../../../src/strategies/postgres/index.js'
import type { Orm } from './orm.js'

export function openDrizzle(url: string): Orm {
  const pool = new Pool({ connectionString: url, max: 2 })
  const db = drizzle(pool)
  return {
    from: fromDrizzle,
    pool: db,
    transaction: (work) =>
      db.transaction((own) =>
        work({
          ...{ own, transaction: fromDrizzle(own), run: (sql) => own.execute(sql) },
          nested: (inside) => own.transaction((inner) => inside(fromDrizzle(inner))),
        }),
      ),
    end: () => pool.end(),
  }
}
