import { REMEMBERED_MS } from '../definitions/tombstones.js'

/** Of revisions, which are milliseconds × 1000: removed ids with a smaller one are forgotten. */
const FORGOTTEN = `(extract(epoch FROM statement_timestamp()) * 1000000 - ${REMEMBERED_MS * 1000})::bigint`

/** Whether a row counts, and the given one of its id changes nothing. A number that is too great for a revision is none. */
const counts = (row: string, given: string) =>
  `(${row}.revision > ${given}.revision AND ${row}.revision <= ${Number.MAX_SAFE_INTEGER}
          OR ${row}.revision = ${given}.revision AND (${given}.definition IS NOT NULL OR ${row}.definition IS NULL))`

/** The statements on definitions of recurring messages. Their rules are in statements.ts. */
export const DEFINITION_STATEMENTS = {
  /**
   * Writes records of different ids, of which one without a definition removes its id. The greatest revision of an id stays; of equal
   * ones, the removal. In the order of ids, so that two writers wait for each other in one direction. Forgets some removed ids.
   *
   * Answers for each record whether it has its outcome, with the row that was there before. A row is replaced only if it is the one
   * that the snapshot of this statement has: if another writer was faster, the record is to be written again.
   */
  definitionsWrite: `
    WITH forgotten AS (
      DELETE FROM {schema}.definitions WHERE id IN (
        SELECT id FROM {schema}.definitions
        WHERE definition IS NULL AND revision < ${FORGOTTEN} AND id <> ALL ($1::text::text[])
        ORDER BY revision LIMIT 100 FOR UPDATE SKIP LOCKED
      )
    ), given AS MATERIALIZED (
      SELECT * FROM unnest($1::text::text[], $2::text::bigint[], $3::text::text[]) AS g (id, revision, definition)
    ), old AS MATERIALIZED (
      SELECT d.id, d.revision, d.definition FROM {schema}.definitions d JOIN given USING (id)
    ), written AS (
      INSERT INTO {schema}.definitions AS d (id, revision, definition)
      SELECT id, revision, definition FROM given ORDER BY id
      ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, definition = excluded.definition
        WHERE NOT ${counts('d', 'excluded')} AND EXISTS (
          SELECT FROM old b
          WHERE b.id = d.id AND b.revision = d.revision AND (b.definition IS NULL) = (d.definition IS NULL)
        )
      RETURNING d.id
    )
    SELECT given.id::text, (written.id IS NOT NULL OR coalesce(${counts('old', 'given')}, false))::text AS done,
      old.revision::text, old.definition::text
    FROM given LEFT JOIN old USING (id) LEFT JOIN written USING (id)`,

  definitionsGet: `
    SELECT id::text, revision::text, definition::text FROM {schema}.definitions
    WHERE id = $1::text AND definition IS NOT NULL`,

  /** From $1 on and behind $2, before $3 if there is one. */
  definitionsPage: `
    SELECT id::text, revision::text, definition::text FROM {schema}.definitions
    WHERE id >= $1::text AND id > $2::text AND ($3::text IS NULL OR id < $3::text) AND definition IS NOT NULL
    ORDER BY id LIMIT $4::bigint`,
} as const
