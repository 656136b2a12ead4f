import { TICK_NAME, TICK_QUEUE_END } from '../tick-mark.js'

/** Whether a row fits the parameters $3 to $6. */
const FITS = `($3::text IS NULL OR name = $3::text) AND ($4::text IS NULL OR destination = $4::text)
        AND ($5::text IS NULL OR routing_key = $5::text) AND ($6::text IS NULL OR starts_with(id, $6::text))`

/** Whether the JSON of a row has the texts in $7. */
const IS_MARKED = `($7::text IS NULL OR NOT EXISTS (
          SELECT FROM unnest($7::text::text[]) AS mark WHERE strpos(meta COLLATE "C", mark) = 0
        ))`

const IS_TICK = `(name = '${TICK_NAME}' AND destination LIKE 'queue:%${TICK_QUEUE_END}')`

/** Whether a row is a message of a user, or the parameter says that ticks fit, too. */
const isShown = (withTicks: string) => `(${withTicks}::text IS NOT NULL OR NOT ${IS_TICK})`

/**
 * Waiting messages by the time of claiming. Two parts, because released messages are not in the index of ready ones.
 *
 * @param body what is answered of `page.body`
 */
const page = (body: string) => `
    SELECT page.key::text, page.meta::text, ${body}::text AS body, page.held::text, page.at::text FROM (
      (SELECT ready_at AS at, key, meta, body, held_until AS held FROM {schema}.messages
       WHERE held_until IS NULL AND ready_at >= $1::bigint AND ready_at < $2::bigint AND ${FITS} AND ${IS_MARKED} AND ${isShown('$11')}
         AND (ready_at > $8::bigint OR ready_at = $8::bigint AND key > $9::text COLLATE "C")
       ORDER BY ready_at, key LIMIT $10::bigint)
      UNION ALL
      (SELECT held_until AS at, key, meta, body, held_until AS held FROM {schema}.messages
       WHERE held_until IS NOT NULL AND lease IS NULL AND held_until >= $1::bigint AND held_until < $2::bigint
         AND ${FITS} AND ${IS_MARKED} AND ${isShown('$11')}
         AND (held_until > $8::bigint OR held_until = $8::bigint AND key > $9::text COLLATE "C")
       ORDER BY held_until, key LIMIT $10::bigint)
    ) page
    ORDER BY page.at, page.key LIMIT $10::bigint`

/** The statements that look at waiting messages. Their rules are in statements.ts. */
export const VIEW_STATEMENTS = {
  /** The waiting messages of an id. */
  find: `
    SELECT key::text, meta::text, encode(body, 'hex')::text AS body, held_until::text AS held
    FROM {schema}.messages WHERE id = $1::text AND lease IS NULL`,

  list: page("encode(page.body, 'hex')"),

  /** Without bodies. */
  listShort: page("''"),

  /** Two parts, for the same reason as `list`. */
  count: `
    SELECT ((
      SELECT count(*) FROM {schema}.messages
      WHERE held_until IS NULL AND ready_at >= $1::bigint AND ready_at < $2::bigint AND ${FITS} AND ${isShown('$7')}
    ) + (
      SELECT count(*) FROM {schema}.messages
      WHERE held_until IS NOT NULL AND lease IS NULL AND held_until >= $1::bigint AND held_until < $2::bigint
        AND ${FITS} AND ${isShown('$7')}
    ))::text AS count`,

  /** Counts by spans of $7 milliseconds since the epoch. */
  countBy: `
    SELECT span::text AS since, count(*)::text AS count FROM (
      SELECT ready - ready % $7::bigint AS span FROM (
        SELECT ready_at AS ready FROM {schema}.messages
        WHERE held_until IS NULL AND ready_at >= $1::bigint AND ready_at < $2::bigint AND ${FITS} AND ${isShown('$8')}
        UNION ALL
        SELECT held_until AS ready FROM {schema}.messages
        WHERE held_until IS NOT NULL AND lease IS NULL AND held_until >= $1::bigint AND held_until < $2::bigint
          AND ${FITS} AND ${isShown('$8')}
      ) times
    ) spans GROUP BY span ORDER BY span`,

  /** Counts by destination, of times that a message can have. */
  countByDestination: `
    SELECT destination::text, count(*)::text AS count, min(ready)::text AS first, max(ready)::text AS last FROM (
      SELECT destination, ready_at AS ready FROM {schema}.messages WHERE held_until IS NULL AND NOT ${IS_TICK}
      UNION ALL
      SELECT destination, held_until AS ready FROM {schema}.messages
      WHERE held_until IS NOT NULL AND lease IS NULL AND NOT ${IS_TICK}
    ) waiting WHERE ready BETWEEN 0 AND $1::bigint GROUP BY destination`,
} as const
