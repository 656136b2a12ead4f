import { digest } from '../../base/digest.js'
import { checkOptions, type Rules } from '../../base/checks.js'
import { TIMED_OUT, withTimeLimit } from '../../base/time-limit.js'
import type { Row } from './answer.js'
import type { Value } from './database.js'
import { databaseOf } from './database-of.js'
import { ensureSchema } from './migrate.js'
import { STORE_RULES, resolvePostgres, type PostgresOptions } from './postgres-options.js'
import { Queries } from './queries.js'
import type { Statements } from './statements.js'
import { noAnswer, storeError } from './store-error.js'
import { claimAnswer, type DedupeStore } from '../dedupe-store.js'

export interface PostgresDedupeOptions extends Pick<PostgresOptions, 'pool' | 'schema' | 'migrate'> {
  /** How long PostgreSQL is waited for, in milliseconds. Less than `leaseMs` of the consumer. @default 3000 */
  timeoutMs?: number | undefined
}

const DEDUPE_RULES: Rules<PostgresDedupeOptions> = STORE_RULES

/** Two messages with one digest would be one message. */
const DIGEST_BYTES = 24
/** How often this process deletes rows whose time is over, and how many at a time. */
const FORGET_MS = 10_000
const FORGET_ROWS = 1000

/**
 * Remembers in PostgreSQL (13 or later) what was handled, for `consume(…, { dedupe: { store } })`: a row for each message in
 * the table `dedupe` of the schema, deleted some time after it is of no more use.
 *
 * Guarantee: that of `DedupeOptions`, for as long as the server keeps what it has committed.
 *
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * await mq.consume('payments', handlers, { dedupe: { store: postgresDedupe({ pool }) } })
 */
export function postgresDedupe(given: PostgresDedupeOptions): DedupeStore {
  checkOptions(given, DEDUPE_RULES)
  const run = runner(given)
  let forgotAt = performance.now()

  /** A bounded number of rows at a time. What fails is tried again later. */
  const forget = async (): Promise<void> => {
    if (performance.now() - forgotAt < FORGET_MS) return
    forgotAt = performance.now()
    for (let count = FORGET_ROWS; count === FORGET_ROWS;)
      count = (await run('dedupeForget', FORGET_ROWS).catch(() => [])).length
  }

  return {
    name: 'postgres',
    async claim(key, owner, leaseMs) {
      const [row] = await run('dedupeClaim', hexOf(key), owner, leaseMs)
      void forget()
      return claimAnswer(row?.[0], 'postgres')
    },
    async renew(keys, owner, leaseMs) {
      await run('dedupeRenew', `{${keys.map(hexOf).join(',')}}`, owner, leaseMs)
    },
    async settle(key, windowMs) {
      await run('dedupeSettle', hexOf(key), windowMs)
    },
    async release(key, owner) {
      await run('dedupeRelease', hexOf(key), owner)
    },
  }
}

/** Runs statements on the schema, which it creates before the first one. Each is answered within `timeoutMs`. */
function runner({ timeoutMs = 3000, ...options }: PostgresDedupeOptions) {
  const { pool, schema, migrate } = resolvePostgres({ ...options, timeoutMs, listen: false })
  const database = databaseOf(pool, timeoutMs)
  database.open()
  const queries = new Queries(database, schema)
  let ready: Promise<void> | undefined

  return async (statement: keyof Statements, ...values: Value[]): Promise<readonly Row[]> => {
    ready ??= ensureSchema(database, schema, migrate).catch((error: unknown) => {
      ready = undefined
      throw error
    })
    try {
      return await withTimeLimit(
        ready.then(() => queries.run(statement, values)),
        timeoutMs,
      )
    } catch (error) {
      throw error === TIMED_OUT ? noAnswer(timeoutMs, 'unknown') : storeError(error, 'unknown')
    }
  }
}

function hexOf(key: string): string {
  return digest(key, DIGEST_BYTES).toString('hex')
}
