import { randomUUID } from 'node:crypto'
import type { PgPool, PostgresJs } from './clients.js'
import { databaseOf, type Database, type Row, type Value } from './database.js'
import { checkSchema } from './postgres-options.js'
import type { LackingRights, PostgresFacts, WaitingFacts } from './server-check.js'
import { inSchema } from './statements.js'

const SERVER = `
  SELECT current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding,
    current_setting('transaction_read_only') = 'on' AS readonly, current_setting('fsync') = 'on' AS fsync,
    current_setting('synchronous_commit') AS commits, current_user AS username,
    current_setting('autovacuum') = 'on' AND current_setting('track_counts') = 'on' AS autovacuum`

const CLOCK = `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms`

/** What this user needs and has not, without asking for any of it: who may not see a schema sees that it is there. */
const LACKS = `
  SELECT is_on AS on, array_to_json(array_agg(needed ORDER BY needed)) AS rights FROM (
    SELECT format('SCHEMA %I', nspname) AS is_on, 'USAGE' AS needed
    FROM pg_namespace WHERE nspname = $1::text AND NOT has_schema_privilege(oid, 'USAGE')
    UNION ALL
    SELECT format('"%s".%I', replace(nspname, '"', '""'), relname), needed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, (VALUES
      ('migrations', 'SELECT'),
      ('messages', 'SELECT'), ('messages', 'INSERT'), ('messages', 'UPDATE'), ('messages', 'DELETE'),
      ('dedupe', 'SELECT'), ('dedupe', 'INSERT'), ('dedupe', 'UPDATE'), ('dedupe', 'DELETE')
    ) AS needs (name, needed)
    WHERE nspname = $1::text AND relname = name AND NOT has_table_privilege(c.oid, needed)
  ) lacking GROUP BY is_on ORDER BY is_on DESC`

const TABLE = `
  SELECT array_to_json(coalesce(reloptions, '{}')) AS options
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1::text AND relname = 'messages'`

const SCHEMA = `SELECT count(*) FILTER (WHERE relname = 'migrations') AS tables
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1::text`

const APPLIED = `SELECT coalesce(max(version), 0) AS version FROM {schema}.migrations`

/** Of other users, this one may see none. */
const OLDEST_TRANSACTION = `
  SELECT extract(epoch FROM clock_timestamp() - least(
    (SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL OR backend_xid IS NOT NULL),
    (SELECT min(prepared) FROM pg_prepared_xacts)
  ))::float8 * 1000 AS ms`

const MESSAGES = `
  SELECT
    (SELECT $1::bigint - ready_at FROM {schema}.messages WHERE held_until IS NULL ORDER BY ready_at LIMIT 1) AS overdue,
    (SELECT count(*) FROM {schema}.messages WHERE held_until IS NOT NULL AND lease IS NULL) AS released`

const NOTIFY = `SELECT pg_notify($1::text, $2::text)`

const NOTIFIED_WITHIN_MS = 5000

/** Looks at a server, and changes nothing there. What cannot be seen is missing. @throws DuequeError `STORE_ERROR` */
export async function postgresFacts(pool: PgPool | PostgresJs, schema = 'dueque'): Promise<PostgresFacts> {
  checkSchema(schema)
  const database = databaseOf(pool)
  database.open()
  try {
    const [server] = (await database.query(SERVER, [])) as [Row]
    const one = async (text: string, values: Value[] = []) =>
      (await database.query(inSchema(text, schema), values).catch(() => []))[0]
    const transaction = await one(OLDEST_TRANSACTION)
    return {
      version: Number(server['version']),
      encoding: String(server['encoding']),
      isReadonly: server['readonly'] === true,
      fsync: server['fsync'] === true,
      synchronousCommit: String(server['commits']),
      autovacuum: server['autovacuum'] === true,
      user: String(server['username']),
      schema,
      clock: await clockOf(database),
      notifiedMs: server['readonly'] === true ? undefined : await notifiedMs(database).catch(() => undefined),
      schemaVersion: await schemaVersion(one, schema),
      lacks: lacksOf(await database.query(LACKS, [schema]).catch(() => undefined)),
      tableSettings: settingsOf(await one(TABLE, [schema])),
      oldestTransactionMs: typeof transaction?.['ms'] === 'number' ? transaction['ms'] : undefined,
      messages: messagesOf(await one(MESSAGES, [Date.now()])),
    }
  } finally {
    database.close()
  }
}

/** Of some tries, the one that took least is the most exact. The server's instant lies within it. */
async function clockOf(database: Database): Promise<PostgresFacts['clock']> {
  let best = { aheadMs: 0, exactToMs: Infinity }
  for (let i = 0; i < 5; i++) {
    const [before, from] = [Date.now(), performance.now()]
    const [row] = await database.query(CLOCK, [])
    const exactToMs = (performance.now() - from) / 2
    if (exactToMs < best.exactToMs) best = { aheadMs: Number(row?.['ms']) - before - exactToMs, exactToMs }
  }
  return best
}

/** On a channel of its own. Undefined if nothing comes back. */
async function notifiedMs(database: Database): Promise<number | undefined> {
  const channel = `dueque:doctor:${randomUUID()}`
  let heard: () => void = () => undefined
  const hears = new Promise<true>((resolve) => (heard = () => resolve(true)))
  const end = await database.listen(
    channel,
    () => heard(),
    () => undefined,
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), NOTIFIED_WITHIN_MS)))
  try {
    const from = performance.now()
    await database.query(NOTIFY, [channel, ''])
    return (await Promise.race([hears, late])) ? performance.now() - from : undefined
  } finally {
    clearTimeout(timer)
    await end()
  }
}

async function schemaVersion(
  one: (text: string, values?: Value[]) => Promise<Row | undefined>,
  schema: string,
): Promise<number | undefined> {
  const there = await one(SCHEMA, [schema])
  if (Number(there?.['tables']) === 0) return 0
  const applied = await one(APPLIED)
  return applied && Number(applied['version'])
}

function lacksOf(rows: readonly Row[] | undefined): LackingRights[] | undefined {
  return rows?.map((row) => ({ on: String(row['on']), rights: row['rights'] as string[] }))
}

function settingsOf(row: Row | undefined): Record<string, string> | undefined {
  return row && Object.fromEntries((row['options'] as string[]).map((text) => text.split('=') as [string, string]))
}

function messagesOf(row: Row | undefined): WaitingFacts | undefined {
  if (!row) return undefined
  const { overdue, released } = row
  return { overdueMs: overdue === null ? undefined : Number(overdue), released: Number(released) }
}
