import { checkOne, checkOptions, type Rules } from '../../base/checks.js'
import { DuequeError, errorText, shown } from '../../base/errors.js'
import { isTrue, numberIn } from './answer.js'
import type { Database, Session } from './database.js'
import { databaseOf } from './database-of.js'
import type { PgPool, PostgresJs } from './clients.js'
import { STORE_RULES, checkSchema } from './postgres-options.js'
import { MIGRATIONS } from './migrations.js'
import { assertUnchanged } from './probe.js'
import { inSchema, statementsFor, type Statements } from './statements.js'
import { INSUFFICIENT_PRIVILEGE, sqlState } from './store-error.js'

export interface Migrated {
  /** The version before. 0 if there was no schema. */
  readonly from: number
  readonly to: number
}

export interface MigrateOptions {
  /** A `Pool` of pg or `postgres()` of postgres.js, which stays the caller's. */
  pool: PgPool | PostgresJs
  /** @default 'dueque' */
  schema?: string | undefined
}

const MIGRATE_RULES: Rules<MigrateOptions> = { pool: STORE_RULES.pool, schema: STORE_RULES.schema }

/**
 * Brings the schema up to this version of dueque, in one transaction: all of it or nothing. Several processes may call it
 * at once, and processes of the version before go on working. The user needs the right to create in the database, or in a
 * schema that exists.
 *
 * @throws DuequeError `STORE_ERROR`, `STORE_NOT_READY`, `INVALID_OPTION`
 * @example
 * await migratePostgres({ pool: new Pool({ connectionString }) })
 */
export async function migratePostgres(options: MigrateOptions): Promise<Migrated> {
  checkOptions(options, MIGRATE_RULES)
  const { pool, schema = 'dueque' } = options
  // `checkOptions` skips a missing pool.
  checkOne('pool', STORE_RULES.pool, pool)
  const database = databaseOf(pool)
  database.open()
  try {
    return await migrate(database, schema)
  } finally {
    database.close()
  }
}

export async function migrate(database: Database, schema: string): Promise<Migrated> {
  const statements = statementsFor(schema)
  return database.transaction(
    async (session) => {
      await session.query(statements.lockMigrations, [schema])
      const server = await serverFacts(session, statements, schema)
      if (!server.hasSchema) await session.query(statements.createSchema, [])
      if (!server.hasMigrations) await session.query(statements.createMigrations, [])
      const from = await appliedVersion(session, statements)
      for (const [index, statement] of MIGRATIONS.entries()) {
        if (index < from) continue
        await session.query(inSchema(statement, schema), [])
        await session.query(statements.addMigration, [index + 1])
      }
      return { from, to: Math.max(from, MIGRATIONS.length) }
    },
    { statementTimeoutMs: MIGRATION_TIMEOUT_MS },
  )
}

/** The SQL that {@link migratePostgres} runs in an empty database, to be run by hand. @throws DuequeError `INVALID_OPTION` */
export function migrationSql(schema = 'dueque'): string[] {
  checkSchema(schema)
  const { createSchema, createMigrations } = statementsFor(schema)
  const versions = MIGRATIONS.map((_, index) => `(${index + 1})`)
  const applied = inSchema(`INSERT INTO {schema}.migrations (version) VALUES ${versions.join(', ')}`, schema)
  return [
    'BEGIN',
    createSchema,
    createMigrations.trim(),
    ...MIGRATIONS.map((text) => inSchema(text, schema)),
    applied,
    'COMMIT',
  ]
}

/**
 * Checks that the client changes no values, and that the schema exists in this version or a later one, which will do: see
 * {@link MIGRATIONS}. Creates or migrates it if `mayMigrate` allows it.
 *
 * @throws DuequeError `STORE_NOT_READY`, which names the command to run
 */
export async function ensureSchema(database: Database, schema: string, mayMigrate: boolean): Promise<void> {
  const mend = 'run dueque postgres migrate, or migratePostgres, as a user who may create it'
  try {
    await assertUnchanged(database, statementsFor(schema))
    const version = await schemaVersion(database, schema)
    if (version >= MIGRATIONS.length) return
    const is = `the schema ${shown(schema)} is at version ${version} of ${MIGRATIONS.length}`
    if (!mayMigrate) throw notReady(`${is}: ${mend} (or option: migrate)`)
    await migrate(database, schema)
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error
    throw notReady(`the schema ${shown(schema)} is not there for this user (${errorText(error)}): ${mend}`, error)
  }
}

/** The version of the schema; 0 if there is no schema. */
async function schemaVersion(session: Session, schema: string): Promise<number> {
  const statements = statementsFor(schema)
  const { hasMigrations } = await serverFacts(session, statements, schema)
  return hasMigrations ? appliedVersion(session, statements) : 0
}

async function appliedVersion(session: Session, { applied }: Statements): Promise<number> {
  const [row] = await session.query(applied, [])
  return numberIn(row?.[0]) ?? 0
}

const LEAST_VERSION = 130_000
/** For each step, and for the wait while another process migrates. A large table takes long. */
const MIGRATION_TIMEOUT_MS = 300_000

/** @throws DuequeError `STORE_NOT_READY` for a server that dueque cannot use */
async function serverFacts(session: Session, { server }: Statements, schema: string) {
  const [row] = await session.query(server, [schema])
  const [version, encoding, readonly, hasSchema, hasMigrations] = row!
  if (numberIn(version)! < LEAST_VERSION) throw notReady(`PostgreSQL 13 or later is needed, this is ${version}`)
  if (encoding !== 'UTF8') throw notReady(`the database is to have the encoding UTF8, it has ${encoding}`)
  if (readonly === 'on') throw notReady('this server or user can only read: a standby?')
  return { hasSchema: isTrue(hasSchema), hasMigrations: isTrue(hasMigrations) }
}

function notReady(text: string, cause?: unknown): DuequeError<'STORE_NOT_READY'> {
  return new DuequeError('STORE_NOT_READY', `postgres: ${text}`, { store: 'postgres' }, { cause })
}
