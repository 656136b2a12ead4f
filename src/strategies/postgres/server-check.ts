import { counted } from '../../base/counted.js'
import { finding, type Finding } from '../../base/finding.js'
import { MESSAGES_SETTINGS, MIGRATIONS } from './migrations.js'

/** The facts of a server. A missing one could not be seen, or does not exist. */
export interface PostgresFacts {
  /** As `server_version_num`. */
  readonly version: number
  readonly encoding: string
  readonly isReadonly: boolean
  readonly fsync: boolean
  /** The setting for this user. */
  readonly synchronousCommit: string
  /** Whether both `autovacuum` and `track_counts` are on. Autovacuum does nothing without the second. */
  readonly autovacuum: boolean
  readonly user: string
  readonly schema: string
  /** How far the server's clock is ahead of this one. The round trip to the server limits how exactly that is known. */
  readonly clock: { readonly aheadMs: number; readonly exactToMs: number }
  /** Milliseconds until a notification came back. Undefined if none did. */
  readonly notifiedMs?: number | undefined
  /** 0 if there is no schema. */
  readonly schemaVersion?: number | undefined
  readonly lacks?: readonly LackingRights[] | undefined
  /** Of the table `messages`. */
  readonly tableSettings?: Readonly<Record<string, string>> | undefined
  /** For how long the oldest transaction that keeps dead rows has been open. */
  readonly oldestTransactionMs?: number | undefined
  readonly messages?: WaitingFacts | undefined
  /** Keys of rows that are no messages, among those at the heads of the indexes. */
  readonly unreadable?: readonly string[] | undefined
}

export interface LackingRights {
  readonly on: string
  readonly rights: readonly string[]
}

export interface WaitingFacts {
  /** For how long the first unclaimed message has been overdue; negative if it is due later. */
  readonly overdueMs?: number | undefined
  /** Messages that relays gave back, because their destination did not take them. */
  readonly released: number
}

const LEAST_VERSION = 130_000
/** Longer than a backstop and a lease together. */
const OVERDUE_MS = 30_000
const CLOCK_MS = 1000
const OLD_TRANSACTION_MS = 3_600_000

/** What the facts mean for the messages that wait there. */
export function checkPostgres(facts: PostgresFacts): Finding[] {
  return [
    checkVersion(facts),
    ...checkUse(facts),
    checkDurability(facts),
    ...checkSchema(facts),
    ...checkRights(facts),
    ...checkVacuum(facts),
    checkListen(facts),
    checkClock(facts),
    ...checkMessages(facts),
    ...checkUnreadable(facts),
  ]
}

function checkVersion({ version }: PostgresFacts): Finding {
  const what = `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`
  if (version >= LEAST_VERSION) return finding('ok', 'postgres-version', what)
  return finding('error', 'postgres-version', `${what} is too old`, 'use 13 or later')
}

function checkUse({ encoding, isReadonly }: PostgresFacts): Finding[] {
  const findings: Finding[] = []
  if (encoding !== 'UTF8')
    findings.push(finding('error', 'postgres-encoding', `the database has the encoding ${encoding}`, 'use one in UTF8'))
  if (isReadonly)
    findings.push(finding('error', 'postgres-readonly', 'this server or user can only read', 'use the primary'))
  return findings
}

function checkDurability({ fsync, synchronousCommit }: PostgresFacts): Finding {
  const code = 'postgres-durability'
  if (!fsync)
    return finding('error', code, 'fsync is off: a crash of the machine may lose everything', 'set fsync = on')
  const what = `fsync is on, synchronous_commit is ${synchronousCommit}`
  if (synchronousCommit !== 'off') return finding('ok', code, what)
  const todo = 'ALTER ROLE … SET synchronous_commit = on'
  return finding('warning', code, `${what}: a crash loses what was confirmed in the last half second or so`, todo)
}

function checkSchema({ schema, schemaVersion, user }: PostgresFacts): Finding[] {
  const code = 'postgres-schema'
  const newest = MIGRATIONS.length
  const todo = 'dueque postgres migrate, as a user who may create it'
  if (schemaVersion === undefined)
    return [finding('error', code, `user ${user} cannot see the version of the schema ${schema}`, 'see the rights')]
  if (schemaVersion === 0) return [finding('error', code, `there is no schema ${schema} of dueque`, todo)]
  const what = `the schema ${schema} is at version ${schemaVersion}`
  if (schemaVersion < newest) return [finding('error', code, `${what} of ${newest}`, todo)]
  if (schemaVersion === newest) return [finding('ok', code, what)]
  return [finding('note', code, `${what}, this dueque knows ${newest}: it will do`)]
}

function checkRights({ lacks, user, schema }: PostgresFacts): Finding[] {
  if (lacks === undefined) return []
  if (lacks.length === 0) return [finding('ok', 'postgres-rights', `user ${user} has all rights that it needs`)]
  return lacks.map(({ on, rights }) => {
    const what = `user ${user} lacks ${rights.join(', ')} on ${on}`
    const todo = `GRANT ${rights.join(', ')} ON ${on} TO "${user}"`
    // Only consumers that share their memory of handled messages need it.
    if (on === `"${schema}".dedupe`)
      return finding('note', 'postgres-rights-dedupe', `${what}, which postgresDedupe needs`, todo)
    if (on === `"${schema}".definitions`)
      return finding('note', 'postgres-rights-recurring', `${what}, which recurring messages need`, todo)
    return finding('error', 'postgres-rights', what, todo)
  })
}

function checkVacuum({ autovacuum, tableSettings, oldestTransactionMs, schema }: PostgresFacts): Finding[] {
  const findings: Finding[] = []
  if (!autovacuum) {
    const what = 'autovacuum or track_counts is off: what was delivered stays in the table, and claims become slow'
    findings.push(finding('warning', 'postgres-autovacuum', what, 'set autovacuum = on and track_counts = on'))
  }
  if (tableSettings) findings.push(checkTable(tableSettings, schema))
  if (oldestTransactionMs !== undefined && oldestTransactionMs > OLD_TRANSACTION_MS) {
    const what = `a transaction is open for ${minutes(oldestTransactionMs)}: dead rows stay as long`
    const todo = 'end it: SELECT * FROM pg_stat_activity ORDER BY xact_start, SELECT * FROM pg_prepared_xacts'
    findings.push(finding('warning', 'postgres-old-transaction', what, todo))
  }
  return findings
}

function checkTable(is: Readonly<Record<string, string>>, schema: string): Finding {
  const code = 'postgres-table-vacuum'
  const on = `"${schema}".messages`
  if (is['autovacuum_enabled'] === 'false')
    return finding('error', code, `autovacuum is off for ${on}`, `ALTER TABLE ${on} RESET (autovacuum_enabled)`)
  const other = Object.entries(MESSAGES_SETTINGS).filter(([name, value]) => is[name] !== value)
  if (other.length === 0) return finding('ok', code, `${on} has the autovacuum settings of its migration`)
  const what = other.map(([name, value]) => `${name} is ${is[name] ?? 'not set'} instead of ${value}`).join(', ')
  const todo = `ALTER TABLE ${on} SET (${other.map(([name, value]) => `${name} = ${value}`).join(', ')})`
  return finding('note', code, `${on}: ${what}`, todo)
}

function checkListen({ notifiedMs }: PostgresFacts): Finding {
  if (notifiedMs !== undefined)
    return finding('ok', 'postgres-listen', `notifications arrive, in ${Math.round(notifiedMs)} ms`)
  const what = 'LISTEN brings no notifications, as through PgBouncer in transaction mode'
  const todo = 'give the relay a way around it (option: listen); otherwise what others schedule may be 5 s late'
  return finding('warning', 'postgres-listen', what, todo)
}

/** Due times go by the clocks of producers and relays. The clock of the server is one more to compare with. */
function checkClock({ clock: { aheadMs, exactToMs } }: PostgresFacts): Finding {
  const isOff = Math.abs(aheadMs) - exactToMs > CLOCK_MS
  const what = `the clock of the server is ${Math.abs(Math.round(aheadMs))} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} this one`
  if (!isOff) return finding('ok', 'postgres-clock', what)
  return finding('warning', 'postgres-clock', what, 'let all hosts keep time (NTP): messages are due by their clocks')
}

function checkMessages({ messages }: PostgresFacts): Finding[] {
  if (messages === undefined) return []
  const { overdueMs = -1, released } = messages
  const findings = [
    overdueMs > OVERDUE_MS
      ? finding(
          'warning',
          'postgres-overdue',
          `a message is overdue for ${minutes(overdueMs)}, and nobody claims it`,
          'see that a relay runs (dueque relay), and that it reaches RabbitMQ',
        )
      : finding('ok', 'postgres-overdue', 'nothing that is overdue is left lying'),
  ]
  if (released > 0) {
    const what = `${counted(released, 'message was', 'messages were')} given back, because their destination does not take them`
    const todo =
      "SELECT destination, count(*) FROM the view overview WHERE state = 'released' GROUP BY 1; the relay's log"
    findings.push(finding('warning', 'postgres-released', what, todo))
  }
  return findings
}

function checkUnreadable({ unreadable = [], schema }: PostgresFacts): Finding[] {
  if (unreadable.length === 0) return []
  const keys = unreadable.slice(0, 3).map((key) => JSON.stringify(key.slice(0, 120)))
  const what = `${unreadable.length} rows (${keys.join(', ')}${unreadable.length > 3 ? ', …' : ''}) are no messages that this version can read: relays leave them`
  const todo = `if a later version wrote them, run that version; otherwise DELETE FROM "${schema}".messages WHERE key = …`
  return [finding('warning', 'postgres-unreadable', what, todo)]
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
