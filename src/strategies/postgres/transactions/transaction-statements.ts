/** Whether a statement runs in the transaction with this id, if there is an id. */
export const inTransaction = (id: string) => `(${id}::text IS NULL OR pg_current_xact_id()::text = ${id}::text)`

/** The statements of the caller's transactions alone. Their rules are in statements.ts. */
export const TRANSACTION_STATEMENTS = {
  /** Where a statement runs: the id of its transaction, whether it can only read, and the database, by its name and its schema. */
  place: `
    SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_xact_id()::text END AS xid,
      current_setting('transaction_read_only')::text AS readonly, current_database()::text AS name,
      (SELECT (extract(epoch FROM min(applied_at)) * 1000000)::bigint::text FROM {schema}.migrations) AS since`,

  /**
   * As `remove`, in the transaction $2 of the caller: it leaves a message alone that another transaction has locked. Answers
   * whether it runs in that transaction, and whether it has removed the message.
   */
  removeFree: `
    WITH free AS MATERIALIZED (
      SELECT key FROM {schema}.messages WHERE key = $1::text AND lease IS NULL AND ${inTransaction('$2')}
      FOR UPDATE SKIP LOCKED
    ), removed AS (
      DELETE FROM {schema}.messages m USING free WHERE m.key = free.key RETURNING 1
    )
    SELECT ${inTransaction('$2')}::text AS inside, EXISTS (SELECT FROM removed)::text AS removed`,

  /** As `replace`, in the transaction $10 of the caller: see `removeFree`. It always notifies: see `insert`. */
  replaceFree: `
    WITH free AS MATERIALIZED (
      SELECT key FROM {schema}.messages
      WHERE key = $1::text AND lease IS NULL AND due_at = $2::bigint
        AND coalesce(held_until, ready_at) = $3::bigint AND ${inTransaction('$10')}
      FOR UPDATE SKIP LOCKED
    ), changed AS (
      UPDATE {schema}.messages m SET due_at = $4::bigint, ready_at = $5::bigint, meta = $6::text, held_until = NULL,
        name = coalesce($7::text, m.name), body = coalesce($8::text::bytea, m.body)
      FROM free WHERE m.key = free.key
      RETURNING m.key
    )
    SELECT ${inTransaction('$10')}::text AS inside, EXISTS (SELECT FROM changed)::text AS changed,
      (SELECT pg_notify($9::text, $5::bigint::text)::text FROM changed) AS told`,
} as const
