/** Of revisions, which are milliseconds × 1000: removed ids with a smaller one are forgotten. */
const FORGOTTEN = '((extract(epoch FROM statement_timestamp()) - 90 * 86400) * 1000000)::bigint'

/** The statements on definitions of recurring messages. Their rules are in statements.ts. */
export const DEFINITION_STATEMENTS = {
  /**
   * Writes records, of which one without a definition removes its id. The greatest revision of an id stays; of equal ones, the
   * removal. In the order of ids, so that two writers wait for each other in one direction. Forgets some removed ids.
   */
  definitionsWrite: `
    WITH forgotten AS (
      DELETE FROM {schema}.definitions WHERE id IN (
        SELECT id FROM {schema}.definitions
        WHERE definition IS NULL AND revision < ${FORGOTTEN} AND id <> ALL ($1::text::text[])
        ORDER BY revision LIMIT 100 FOR UPDATE SKIP LOCKED
      )
    )
    INSERT INTO {schema}.definitions AS d (id, revision, definition)
    SELECT DISTINCT ON (id) id, revision, definition
    FROM unnest($1::text::text[], $2::text::bigint[], $3::text::text[]) AS g (id, revision, definition)
    ORDER BY id, revision DESC, definition IS NOT NULL
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, definition = excluded.definition
      WHERE d.revision < excluded.revision
        OR d.revision = excluded.revision AND excluded.definition IS NULL AND d.definition IS NOT NULL`,

  definitionsGet: `
    SELECT id::text, revision::text, definition::text FROM {schema}.definitions
    WHERE id = $1::text AND definition IS NOT NULL`,

  definitionsPage: `
    SELECT id::text, revision::text, definition::text FROM {schema}.definitions
    WHERE id > $1::text AND definition IS NOT NULL ORDER BY id LIMIT $2::bigint`,
} as const
