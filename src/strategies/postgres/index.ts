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
export type { RelayOptions } from '../store/relay-options.js'
export type { StoreStrategy, StoreStrategyOptions } from '../store/store-strategy.js'
