/**
 * dueque/postgres: messages wait in a table of PostgreSQL.
 */
export { postgres, type PostgresStrategy } from './postgres.js'
export type { PostgresOptions } from './postgres-options.js'
export { postgresDedupe, type PostgresDedupeOptions } from './postgres-dedupe.js'
export { migratePostgres, type MigrateOptions, type Migrated } from './migrate.js'
export type {
  Listening,
  PgClient,
  PgPool,
  PgPoolClient,
  PgSession,
  PgTransaction,
  PostgresJs,
  PostgresJsTransaction,
  PostgresTransaction,
} from './clients.js'
export { fromDrizzle, type DrizzleQuery, type DrizzleTransaction } from './transactions/from-drizzle.js'
export { fromKnex, type KnexTransaction } from './transactions/from-knex.js'
export { fromKysely, type KyselyQuery, type KyselyTransaction } from './transactions/from-kysely.js'
export { fromPrisma, type PrismaTransaction } from './transactions/from-prisma.js'
export { fromTypeOrm, type TypeOrmManager, type TypeOrmQueryRunner } from './transactions/from-type-orm.js'
export type { OrmTransaction } from './transactions/orm-transaction.js'
export type { RelayOptions } from '../store/relay-options.js'
export type { StoreStrategy, StoreStrategyOptions } from '../store/store-strategy.js'
