/**
 * Of the table of messages. A queue lives on vacuum: often (1 % of the rows instead of 20 %), not throttled as much, and
 * never without the indexes, at whose heads claims begin.
 */
export const MESSAGES_SETTINGS: Readonly<Record<string, string>> = {
  autovacuum_vacuum_scale_factor: '0.01',
  autovacuum_vacuum_threshold: '1000',
  autovacuum_analyze_scale_factor: '0.05',
  autovacuum_analyze_threshold: '1000',
  autovacuum_vacuum_cost_limit: '2000',
  vacuum_index_cleanup: 'on',
}

/**
 * The schema, step by step: a migration's number is its place in this list, from 1. One statement each; `{schema}` is
 * replaced by the quoted name. What was released once stays as it is; changes are appended, and leave the processes of the
 * version before working.
 *
 * Times are milliseconds since the epoch, as exact as they came. Texts are as in JSON, without the quotes: `key`, `id` and
 * the like may hold what PostgreSQL's text cannot (NUL), and all that people write reads as it is.
 *
 * | a message that is | `held_until`             | `lease` |
 * |-------------------|--------------------------|---------|
 * | waiting           | null                     | null    |
 * | waiting, released | when it is claimed again | null    |
 * | claimed           | end of the lease         | whose   |
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE {schema}.messages (
     due_at bigint NOT NULL,
     ready_at bigint NOT NULL,
     held_until bigint,
     lease uuid,
     key text COLLATE "C" PRIMARY KEY,
     id text COLLATE "C" NOT NULL,
     name text COLLATE "C" NOT NULL,
     destination text COLLATE "C" NOT NULL,
     routing_key text COLLATE "C",
     meta text NOT NULL,
     body bytea NOT NULL
   ) WITH (
     ${settingsOf(MESSAGES_SETTINGS)},
     toast.autovacuum_vacuum_scale_factor = 0.01
   )`,

  // What a relay looks for. A claim takes a message out of it.
  `CREATE INDEX messages_due ON {schema}.messages (ready_at) WHERE held_until IS NULL`,

  // Leases that end, and what was released.
  `CREATE INDEX messages_held ON {schema}.messages (held_until) WHERE held_until IS NOT NULL`,

  `CREATE INDEX messages_id ON {schema}.messages (id) WHERE lease IS NULL`,

  // For people.
  `CREATE VIEW {schema}.overview AS
     SELECT id, name, destination, routing_key,
       to_timestamp(due_at / 1000.0) AS due,
       to_timestamp(ready_at / 1000.0) AS ready,
       CASE WHEN lease IS NOT NULL THEN 'claimed' WHEN held_until IS NOT NULL THEN 'released' ELSE 'waiting' END AS state,
       to_timestamp(held_until / 1000.0) AS held_until,
       encode(body, 'escape') AS body
     FROM {schema}.messages`,

  // What consumers have handled, or are handling: see postgres-dedupe.ts.
  `CREATE TABLE {schema}.dedupe (
     key bytea PRIMARY KEY,
     owner uuid,
     until timestamptz NOT NULL
   ) WITH (
     autovacuum_vacuum_scale_factor = 0.05,
     autovacuum_vacuum_threshold = 1000
   )`,

  `CREATE INDEX dedupe_until ON {schema}.dedupe (until)`,

  // Of recurring messages. NULL is the definition of a removed id.
  `CREATE TABLE {schema}.definitions (
     id text COLLATE "C" PRIMARY KEY,
     revision bigint NOT NULL,
     definition text
   )`,

  `CREATE INDEX definitions_removed ON {schema}.definitions (revision) WHERE definition IS NULL`,
]

function settingsOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join(',\n     ')
}
