import { checkOne, checkOptions, flag, integer, type Rule, type Rules } from '../../base/checks.js'
import { invalidOption } from '../../base/errors.js'
import type { WithDefaults } from '../../base/with-defaults.js'
import { aRelay } from '../store/relay-options.js'
import type { StoreStrategyOptions } from '../store/store-strategy.js'
import { isPostgresJs, type PgClient, type PgPool, type PostgresJs } from './clients.js'
import { POOL_TIMEOUT_MS } from './database-of.js'

export interface PostgresOptions extends StoreStrategyOptions {
  /**
   * A `Pool` of pg or `postgres()` of postgres.js, which stays the caller's: dueque does not close it. A relay keeps one of
   * its connections to listen on, unless `listen` says otherwise.
   */
  pool: PgPool | PostgresJs
  /** The schema in which dueque's tables are. Stores with different ones know nothing of each other. @default 'dueque' */
  schema?: string | undefined
  /**
   * Creates the schema, or brings it up to this version, when the strategy starts. A schema that is up to date is left
   * alone, and needs no rights. With `false`, or without the rights, `connect` fails with `STORE_NOT_READY`, until somebody
   * ran `dueque postgres migrate` or `migratePostgres`.
   * @default true
   */
  migrate?: boolean | undefined
  /**
   * On what the relay hears of what other processes, or transactions, have made wait. LISTEN needs a connection that
   * stays: it does not work through PgBouncer's transaction mode. There, give a function that makes a client of its own,
   * straight to the server: `() => new Client(…)`; dueque connects and ends it. With `false`, what comes from elsewhere and
   * is due before all else that the relay knows of is late by up to `relay.backstopMs`.
   * @default true
   */
  listen?: boolean | (() => PgClient | PostgresJs) | undefined
  /**
   * How long a connection of the pool is waited for, and then each answer, in milliseconds. A schedule that gets no
   * connection fails with `STORE_ERROR`: as `refused`; with postgres.js, which writes it when there is one after all, as
   * `unknown`. One that gets no answer is `unknown`, and a connection of pg is closed then. Steps of a migration may take
   * five minutes.
   * @default 10_000
   */
  timeoutMs?: number | undefined
}

/** Channels are named for the schema, and a name has 63 bytes. */
const SCHEMA_BYTES = 48

const aPool: Rule = (value) =>
  isPostgresJs(value) || typeof (Object(value) as Partial<PgPool>).connect === 'function'
    ? undefined
    : 'a Pool of pg, or postgres() of postgres.js'

const aSchema: Rule = (value) => {
  const bytes = typeof value === 'string' && !value.includes('\0') ? Buffer.byteLength(value) : 0
  return bytes < 1 || bytes > SCHEMA_BYTES ? `a name of 1 to ${SCHEMA_BYTES} bytes` : undefined
}

/** Of everything that is given a pool and a schema. */
export const STORE_RULES = { pool: aPool, schema: aSchema, migrate: flag, timeoutMs: integer(1, 3_600_000) }

const POSTGRES_RULES: Rules<PostgresOptions> = {
  ...STORE_RULES,
  listen: (value) =>
    typeof value === 'boolean' || typeof value === 'function'
      ? undefined
      : 'true, false, or a function that makes a client',
  relay: aRelay,
}

/** @throws DuequeError `INVALID_OPTION` */
export function resolvePostgres(options: PostgresOptions): WithDefaults<Omit<PostgresOptions, 'relay'>> {
  checkOptions(options, POSTGRES_RULES)
  const { pool, schema = 'dueque', migrate = true, listen = true, timeoutMs = POOL_TIMEOUT_MS } = options
  // It may be missing.
  checkOne('pool', aPool, pool)
  if (listen === true && !isPostgresJs(pool) && pool.options?.max === 1)
    throw invalidOption('listen', 'false or a client of its own, since the pool has one connection', listen)
  return { pool, schema, migrate, listen, timeoutMs }
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkSchema(schema: unknown): void {
  checkOne('schema', aSchema, schema)
}
