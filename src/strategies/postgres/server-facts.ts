import { endsWithin } from '../../base/time-limit.js'
import { randomUUID } from 'node:crypto'
import type { PgPool, PostgresJs } from './clients.js'
import { isTrue, numberIn, type Row } from './answer.js'
import type { Database, Value } from './database.js'
import { databaseOf } from './database-of.js'
import { checkSchema } from './postgres-options.js'
import type { LackingRights, PostgresFacts, WaitingFacts } from './server-check.js'
import { messageOf } from './row.js'
import { inSchema } from './statements.js'

const SERVER = `
  SELECT current_setting('server_version_num')::text AS version, current_setting('server_encoding')::text AS encoding,
    (current_setting('transaction_read_only') = 'on')::text AS readonly, (current_setting('fsync') = 'on')::text AS fsync,
    current_setting('synchronous_commit')::text AS commits, current_user::text AS username,
    (current_setting('autovacuum') = 'on' AND current_setting('track_counts') = 'on')::text AS autovacuum`

const CLOCK = `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS us`

/** The rights that this user lacks. Asking needs no rights: a user who may not use a schema still sees that it exists. */
const LACKS = `
  SELECT is_on::text AS on, array_to_json(array_agg(needed ORDER BY needed))::text AS rights FROM (
    SELECT format('SCHEMA %I', nspname) AS is_on, 'USAGE' AS needed
    FROM pg_namespace WHERE nspname = $1::text AND NOT has_schema_privilege(oid, 'USAGE')
    UNION ALL
    SELECT format('"%s".%I', replace(nspname, '"', '""'), relname), needed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, (VALUES
      ('migrations', 'SELECT'),
      ('messages', 'SELECT'), ('messages', 'INSERT'), ('messages', 'UPDATE'), ('messages', 'DELETE'),
      ('definitions', 'SELECT'), ('definitions', 'INSERT'), ('definitions', 'UPDATE'), ('definitions', 'DELETE'),
      ('dedupe', 'SELECT'), ('dedupe', 'INSERT'), ('dedupe', 'UPDATE'), ('dedupe', 'DELETE')
    ) AS needs (name, needed)
    WHERE nspname = $1::text AND relname = name AND NOT has_table_privilege(c.oid, needed)
  ) lacking GROUP BY is_on ORDER BY is_on DESC`

const TABLE = `
  SELECT array_to_json(coalesce(reloptions, '{}'))::text AS options
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1::text AND relname = 'messages'`

const SCHEMA = `SELECT (count(*) FILTER (WHERE relname = 'migrations'))::text AS tables
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1::text`

const APPLIED = `SELECT coalesce(max(version), 0)::text AS version FROM {schema}.migrations`

/** The transactions of other users may be invisible to this one. */
const OLDEST_TRANSACTION = `
  SELECT (extract(epoch FROM clock_timestamp() - least(
    (SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL OR backend_xid IS NOT NULL),
    (SELECT min(prepared) FROM pg_prepared_xacts)
  )) * 1000)::bigint::text AS ms`

const MESSAGES = `
  SELECT
    (SELECT ($1::numeric - ready_at)::text FROM {schema}.messages WHERE held_until IS NULL ORDER BY ready_at LIMIT 1)
      AS overdue,
    (SELECT count(*) FROM {schema}.messages WHERE held_until IS NOT NULL AND lease IS NULL)::text AS released`

/** The heads of both indexes, where relays have put what they could not read, and where they come by next. */
const SOME = `
  SELECT key::text, meta::text FROM (
    (SELECT key, meta FROM {schema}.messages WHERE held_until IS NULL ORDER BY ready_at LIMIT 1000)
    UNION ALL
    (SELECT key, meta FROM {schema}.messages WHERE held_until IS NOT NULL ORDER BY held_until LIMIT 1000)
  ) heads`

const NOTIFY = `SELECT pg_notify($1::text, $2::text)::text`

const NOTIFIED_WITHIN_MS = 5000

/** Looks at a server, and changes nothing there. A fact that cannot be seen is missing. @throws DuequeError `STORE_ERROR` */
export async function postgresFacts(pool: PgPool | PostgresJs, schema = 'dueque'): Promise<PostgresFacts> {
  checkSchema(schema)
  const database = databaseOf(pool)
  database.open()
  try {
    const [server = []] = await database.query(SERVER, [])
    const [version, encoding, readonly, fsync, commits, username, autovacuum] = server
    const one = async (text: string, values: Value[] = []) =>
      (await database.query(inSchema(text, schema), values).catch(() => []))[0]
    return {
      version: numberIn(version)!,
      encoding: String(encoding),
      isReadonly: isTrue(readonly),
      fsync: isTrue(fsync),
      synchronousCommit: String(commits),
      autovacuum: isTrue(autovacuum),
      user: String(username),
      schema,
      clock: await clockOf(database),
      notifiedMs: isTrue(readonly) ? undefined : await notifiedMs(database).catch(() => undefined),
      schemaVersion: await schemaVersion(one, schema),
      lacks: lacksOf(await database.query(LACKS, [schema]).catch(() => undefined)),
      tableSettings: settingsOf(await one(TABLE, [schema])),
      oldestTransactionMs: numberIn((await one(OLDEST_TRANSACTION))?.[0]),
      messages: messagesOf(await one(MESSAGES, [Date.now()])),
      unreadable: unreadableIn(await database.query(inSchema(SOME, schema), []).catch(() => [])),
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
    if (exactToMs < best.exactToMs) best = { aheadMs: numberIn(row?.[0])! / 1000 - before - exactToMs, exactToMs }
  }
  return best
}

/** On a channel of its own. Undefined if nothing comes back. */
async function notifiedMs(database: Database): Promise<number | undefined> {
  const channel = `dueque:doctor:${randomUUID()}`
  let heard: () => void = () => undefined
  const hears = new Promise<void>((resolve) => (heard = resolve))
  const end = await database.listen(
    channel,
    () => heard(),
    () => undefined,
  )
  try {
    const from = performance.now()
    await database.query(NOTIFY, [channel, ''])
    return (await endsWithin(hears, NOTIFIED_WITHIN_MS)) ? performance.now() - from : undefined
  } finally {
    await end()
  }
}

async function schemaVersion(
  one: (text: string, values?: Value[]) => Promise<Row | undefined>,
  schema: string,
): Promise<number | undefined> {
  const there = await one(SCHEMA, [schema])
  if (numberIn(there?.[0]) === 0) return 0
  return numberIn((await one(APPLIED))?.[0])
}

function lacksOf(rows: readonly Row[] | undefined): LackingRights[] | undefined {
  return rows?.map(([on, rights]) => ({ on: String(on), rights: JSON.parse(rights!) as string[] }))
}

function settingsOf(row: Row | undefined): Record<string, string> | undefined {
  const options = row && (JSON.parse(row[0]!) as string[])
  return options && Object.fromEntries(options.map((text) => text.split('=') as [string, string]))
}

function messagesOf(row: Row | undefined): WaitingFacts | undefined {
  if (!row) return undefined
  return { overdueMs: numberIn(row[0]), released: numberIn(row[1])! }
}

/** Keys. The bodies do not matter. */
function unreadableIn(rows: readonly Row[]): string[] {
  return rows.flatMap(([key = null, meta = null]) => {
    try {
      messageOf(key, meta, '')
      return []
    } catch {
      return [String(key)]
    }
  })
}
