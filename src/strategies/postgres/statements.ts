import { DEFINITION_STATEMENTS } from './definition-statements.js'
import { inTransaction, TRANSACTION_STATEMENTS } from './transactions/transaction-statements.js'
import { VIEW_STATEMENTS } from './view-statements.js'

/** The time of the server, in milliseconds since the epoch. */
const SERVER = 'floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint'
const NOW = `coalesce($2::bigint, ${SERVER})`

/**
 * The statements of the store. Those of the schema are in migrations.ts. `{schema}` is replaced by the quoted name;
 * everything else is a bound parameter. Lists are array literals, which are texts for any client. Every column of an answer is
 * text, and is read by its place: see answer.ts. The names of columns differ, because clients make objects of rows.
 *
 * PgBouncer may give every transaction another connection: statements are not prepared under a name, and leave the session
 * as it was.
 */
const STATEMENTS = {
  ...VIEW_STATEMENTS,
  ...DEFINITION_STATEMENTS,
  ...TRANSACTION_STATEMENTS,

  /**
   * Inserts waiting messages. A message whose key waits already stays as it is; a claimed one waits again, without a lease.
   * A number in $13 is the milliseconds for which a message must not be claimed. Notifies the relays of the earliest time,
   * $11, unless another message is ready between $12 ms from now and $11: see notify.ts. If $11 is sooner
   * than $12 ms from now, it notifies without looking: the look makes serializable transactions fail. Inserts and answers
   * nothing outside of the transaction $14.
   */
  insert: `
    WITH given AS (
      SELECT * FROM unnest(
        $1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[],
        $6::text::bigint[], $7::text::bigint[], $8::text::text[], $9::text::bytea[], $13::text::bigint[]
      ) AS g (key, id, name, destination, routing_key, due_at, ready_at, meta, body, hold)
    ), added AS (
      INSERT INTO {schema}.messages AS m
        (key, id, name, destination, routing_key, due_at, ready_at, meta, body, held_until)
      SELECT key, id, name, destination, routing_key, due_at, ready_at, meta, body,
        CASE WHEN hold IS NOT NULL THEN greatest(ready_at, ${SERVER} + hold) END
      FROM given WHERE ${inTransaction('$14')}
      ON CONFLICT (key) DO UPDATE
        SET due_at = excluded.due_at, ready_at = excluded.ready_at, meta = excluded.meta, body = excluded.body,
          lease = NULL, held_until = excluded.held_until
        WHERE m.lease IS NOT NULL
    )
    SELECT pg_notify($10::text, $11::bigint::text)::text
    WHERE ${inTransaction('$14')} AND (${SERVER} + $12::bigint > $11::bigint OR NOT EXISTS (
      SELECT FROM {schema}.messages
      WHERE held_until IS NULL AND ready_at >= ${SERVER} + $12::bigint AND ready_at <= $11::bigint
    ))`,

  /** Makes the second of two schedules of one id with `onConflict` wait until the first one's transaction ends. */
  lockId: `
    SELECT current_setting('transaction_isolation')::text AS isolation,
      pg_advisory_xact_lock(hashtextextended($1::text, 6287))::text AS lock`,

  remove: `DELETE FROM {schema}.messages WHERE key = $1::text AND lease IS NULL RETURNING key::text`,

  /** Deletes all waiting messages of an id, unless it runs outside of the transaction $2. */
  removeId: `
    WITH removed AS (
      DELETE FROM {schema}.messages WHERE id = $1::text AND lease IS NULL AND ${inTransaction('$2')} RETURNING 1
    )
    SELECT count(*)::text AS count FROM removed`,

  /** Changes a message if it still waits unchanged; name and body too, if they are given. Notifies the relays as `insert` does. */
  replace: `
    WITH changed AS (
      UPDATE {schema}.messages SET due_at = $4::bigint, ready_at = $5::bigint, meta = $6::text, held_until = NULL,
        name = coalesce($7::text, name), body = coalesce($8::text::bytea, body)
      WHERE key = $1::text AND lease IS NULL AND due_at = $2::bigint
        AND coalesce(held_until, ready_at) = $3::bigint
      RETURNING key
    )
    SELECT key::text, CASE WHEN NOT EXISTS (
      SELECT FROM {schema}.messages m
      WHERE m.held_until IS NULL AND m.ready_at >= ${SERVER} + $10::bigint AND m.ready_at <= $5::bigint AND m.key <> $1::text
    ) THEN pg_notify($9::text, $5::bigint::text)::text END AS told
    FROM changed`,

  /**
   * Claims messages that are ready from $1 to now and were never claimed or released. `next` is the time at which the first
   * later one is ready. Now is $2, or the server's time.
   */
  claim: `
    WITH due AS MATERIALIZED (
      SELECT key FROM {schema}.messages
      WHERE held_until IS NULL AND ready_at >= $1::bigint AND ready_at <= ${NOW}
      ORDER BY ready_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED
    ), claimed AS (
      UPDATE {schema}.messages m
      SET lease = $4::uuid, held_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $5::bigint
      FROM due WHERE m.key = due.key
      RETURNING m.key, m.ready_at, m.meta, m.body
    )
    SELECT n.next::text, NULL::text AS ms, NULL::text AS leased,
      c.key::text, c.ready_at::text AS ready, c.meta::text, encode(c.body, 'hex')::text AS body, ${NOW}::text AS now
    FROM (
      SELECT (
        SELECT ready_at FROM {schema}.messages WHERE held_until IS NULL AND ready_at > ${NOW}
        ORDER BY ready_at LIMIT 1
      ) AS next
    ) n LEFT JOIN claimed c ON true
    ORDER BY c.ready_at`,

  /**
   * As `claim`, but first claims messages whose lease has ended by the server's clock, and messages that were released until
   * now. `ms` is the time until the next of these is ready, and `leased` tells whether it has a lease.
   */
  claimAll: `
    WITH clock AS MATERIALIZED (
      SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint AS server
    ), held AS MATERIALIZED (
      SELECT key FROM {schema}.messages
      WHERE held_until IS NOT NULL AND held_until <= (SELECT greatest(server, ${NOW}) FROM clock)
        AND held_until <= CASE WHEN lease IS NULL THEN ${NOW} ELSE (SELECT server FROM clock) END
      ORDER BY held_until LIMIT $3::bigint FOR UPDATE SKIP LOCKED
    ), due AS MATERIALIZED (
      SELECT key FROM {schema}.messages
      WHERE held_until IS NULL AND ready_at >= $1::bigint AND ready_at <= ${NOW}
      ORDER BY ready_at LIMIT $3::bigint - (SELECT count(*) FROM held) FOR UPDATE SKIP LOCKED
    ), claimed AS (
      UPDATE {schema}.messages m
      SET lease = $4::uuid, held_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $5::bigint
      FROM (SELECT key FROM held UNION ALL SELECT key FROM due) taken WHERE m.key = taken.key
      RETURNING m.key, m.ready_at, m.meta, m.body
    )
    SELECT n.next::text, h.ms::text, h.leased::text,
      c.key::text, c.ready_at::text AS ready, c.meta::text, encode(c.body, 'hex')::text AS body, ${NOW}::text AS now
    FROM (
      SELECT (
        SELECT ready_at FROM {schema}.messages WHERE held_until IS NULL AND ready_at > ${NOW}
        ORDER BY ready_at LIMIT 1
      ) AS next
    ) n LEFT JOIN (
      SELECT lease IS NOT NULL AS leased,
        held_until - CASE WHEN lease IS NULL THEN ${NOW} ELSE (SELECT server FROM clock) END AS ms
      FROM {schema}.messages
      WHERE held_until IS NOT NULL AND held_until > (SELECT least(server, ${NOW}) FROM clock)
        AND held_until > CASE WHEN lease IS NULL THEN ${NOW} ELSE (SELECT server FROM clock) END
      ORDER BY held_until LIMIT 1
    ) h ON true LEFT JOIN claimed c ON true
    ORDER BY c.ready_at`,

  /** Undoes claims: their messages wait again as before. */
  unclaim: `
    UPDATE {schema}.messages SET lease = NULL, held_until = NULL
    WHERE held_until IS NOT NULL AND lease = ANY ($1::text::uuid[])
    RETURNING key::text`,

  /** Deletes claimed messages. Answers how many of them there were. */
  settle: `
    WITH settled AS (
      DELETE FROM {schema}.messages m
      USING unnest($1::text::text[], $2::text::uuid[]) AS s (key, lease)
      WHERE m.key = s.key AND m.lease = s.lease
      RETURNING 1
    )
    SELECT count(*)::text AS count FROM settled`,

  /** Gives claimed messages back, to wait until $3. Answers how many of them there were. */
  release: `
    WITH released AS (
      UPDATE {schema}.messages m SET lease = NULL, held_until = greatest($3::bigint, m.ready_at)
      FROM unnest($1::text::text[], $2::text::uuid[]) AS r (key, lease)
      WHERE m.key = r.key AND m.lease = r.lease
      RETURNING 1
    )
    SELECT count(*)::text AS count FROM released`,

  /** How many of these keys are missing. */
  absent: `
    SELECT count(*)::text AS count FROM unnest($1::text::text[]) AS k (key)
    WHERE NOT EXISTS (SELECT FROM {schema}.messages m WHERE m.key = k.key)`,

  /** Claims the key for $2 and $3 ms, unless it is settled or running. A row that this snapshot does not see counts as running: ask again. */
  dedupeClaim: `
    WITH claimed AS (
      INSERT INTO {schema}.dedupe AS d (key, owner, until)
      VALUES (decode($1::text, 'hex'), $2::uuid, clock_timestamp() + $3::bigint * interval '1 ms')
      ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
        WHERE d.until <= clock_timestamp() OR d.owner = excluded.owner
      RETURNING key
    )
    SELECT CASE
      WHEN EXISTS (SELECT FROM claimed) THEN 'claimed'
      WHEN EXISTS (
        SELECT FROM {schema}.dedupe
        WHERE key = decode($1::text, 'hex') AND owner IS NULL AND until > clock_timestamp()
      ) THEN 'settled'
      ELSE 'running'
    END::text AS answer`,

  /** In the order of keys, so that two processes that renew do not wait for each other. */
  dedupeRenew: `
    INSERT INTO {schema}.dedupe AS d (key, owner, until)
    SELECT decode(k, 'hex'), $2::uuid, clock_timestamp() + $3::bigint * interval '1 ms'
    FROM unnest($1::text::text[]) AS k ORDER BY k
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
      WHERE d.until <= clock_timestamp() OR d.owner = excluded.owner`,

  dedupeSettle: `
    INSERT INTO {schema}.dedupe AS d (key, owner, until)
    VALUES (decode($1::text, 'hex'), NULL, clock_timestamp() + $2::bigint * interval '1 ms')
    ON CONFLICT (key) DO UPDATE SET owner = NULL, until = excluded.until`,

  dedupeRelease: `DELETE FROM {schema}.dedupe WHERE key = decode($1::text, 'hex') AND owner = $2::uuid`,

  /** Deletes up to $1 keys whose time is over. */
  dedupeForget: `
    DELETE FROM {schema}.dedupe WHERE key IN (
      SELECT key FROM {schema}.dedupe WHERE until <= clock_timestamp()
      ORDER BY until LIMIT $1::bigint FOR UPDATE SKIP LOCKED
    ) RETURNING 'forgotten'::text`,

  notify: `SELECT pg_notify($1::text, $2::text)::text`,

  /** Answers the values that it was given: see probe.ts. */
  probe: `SELECT $1::text AS a, encode($2::text::bytea, 'hex')::text AS b, $3::bigint::text AS c, $4::text AS d`,

  /** The facts of a server, and whether the schema exists. */
  server: `
    SELECT current_setting('server_version_num')::text AS version, current_setting('server_encoding')::text AS encoding,
      current_setting('transaction_read_only')::text AS readonly,
      EXISTS (SELECT FROM pg_namespace WHERE nspname = $1::text)::text AS schema,
      EXISTS (
        SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = $1::text AND relname = 'migrations'
      )::text AS migrations`,

  applied: `SELECT coalesce(max(version), 0)::text AS version FROM {schema}.migrations`,

  /** Lets one process migrate, while the others wait. */
  lockMigrations: `SELECT pg_advisory_xact_lock(hashtextextended($1::text, 6288))::text`,

  createSchema: `CREATE SCHEMA {schema}`,

  createMigrations: `
    CREATE TABLE {schema}.migrations (
      version integer PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`,

  addMigration: `INSERT INTO {schema}.migrations (version) VALUES ($1::integer)`,
} as const

export type Statements = Readonly<Record<keyof typeof STATEMENTS, string>>

export function statementsFor(schema: string): Statements {
  const entries = Object.entries(STATEMENTS).map(([name, text]) => [name, inSchema(text, schema)])
  return Object.fromEntries(entries) as Statements
}

/** @param schema its name, as it is */
export function inSchema(text: string, schema: string): string {
  return text.replaceAll('{schema}', () => `"${schema.replaceAll('"', '""')}"`)
}
