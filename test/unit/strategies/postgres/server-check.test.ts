import { describe, expect, test } from 'vitest'
import { MESSAGES_SETTINGS, MIGRATIONS } from '../../../../src/strategies/postgres/migrations.js'
import { checkPostgres, type PostgresFacts } from '../../../../src/strategies/postgres/server-check.js'

const newest = MIGRATIONS.length
const good: PostgresFacts = {
  version: 150_018,
  encoding: 'UTF8',
  isReadonly: false,
  fsync: true,
  synchronousCommit: 'on',
  autovacuum: true,
  user: 'app',
  schema: 'dueque',
  clock: { aheadMs: 1, exactToMs: 1 },
  notifiedMs: 2,
  schemaVersion: newest,
  lacks: [],
  tableSettings: MESSAGES_SETTINGS,
  oldestTransactionMs: 5,
  messages: { overdueMs: -1000, released: 0 },
}

const told = (facts: Partial<PostgresFacts>) =>
  checkPostgres({ ...good, ...facts })
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, code, what }) => `${severity} ${code}: ${what}`)

const { autovacuum_vacuum_scale_factor: scale, ...others } = MESSAGES_SETTINGS

describe('a server is judged by its settings', () => {
  test.each<[Partial<PostgresFacts>, string[]]>([
    [{}, []],
    [{ version: 130_000 }, []],
    [{ version: 120_022 }, ['error postgres-version: PostgreSQL 12.22 is too old']],
    [{ encoding: 'SQL_ASCII' }, ['error postgres-encoding: the database has the encoding SQL_ASCII']],
    [{ isReadonly: true }, ['error postgres-readonly: this server or user can only read']],
    [{ fsync: false }, ['error postgres-durability: fsync is off: a crash of the machine may lose everything']],
    [{ synchronousCommit: 'local' }, []],
    [
      { synchronousCommit: 'off' },
      [
        'warning postgres-durability: fsync is on, synchronous_commit is off: a crash loses what was confirmed in the last half second or so',
      ],
    ],
    [{ schemaVersion: 0 }, ['error postgres-schema: there is no schema dueque of dueque']],
    [{ schemaVersion: 2 }, [`error postgres-schema: the schema dueque is at version 2 of ${newest}`]],
    [
      { schemaVersion: newest + 1 },
      [`note postgres-schema: the schema dueque is at version ${newest + 1}, this dueque knows ${newest}: it will do`],
    ],
    [{ schemaVersion: undefined }, ['error postgres-schema: user app cannot see the version of the schema dueque']],
    [
      { lacks: [{ on: '"dueque".messages', rights: ['UPDATE', 'DELETE'] }] },
      ['error postgres-rights: user app lacks UPDATE, DELETE on "dueque".messages'],
    ],
    [
      { lacks: [{ on: '"dueque".dedupe', rights: ['SELECT'] }] },
      ['note postgres-rights-dedupe: user app lacks SELECT on "dueque".dedupe, which postgresDedupe needs'],
    ],
    [
      { autovacuum: false },
      [
        'warning postgres-autovacuum: autovacuum or track_counts is off: what was delivered stays in the table, and claims become slow',
      ],
    ],
    [
      { tableSettings: { ...others, autovacuum_enabled: 'false' } },
      ['error postgres-table-vacuum: autovacuum is off for "dueque".messages'],
    ],
    [
      { tableSettings: others },
      [`note postgres-table-vacuum: "dueque".messages: autovacuum_vacuum_scale_factor is not set instead of ${scale}`],
    ],
    [
      { oldestTransactionMs: 2 * 3_600_000 },
      ['warning postgres-old-transaction: a transaction is open for 120 min: dead rows stay as long'],
    ],
    [
      { notifiedMs: undefined },
      ['warning postgres-listen: LISTEN brings no notifications, as through PgBouncer in transaction mode'],
    ],
    [{ clock: { aheadMs: -1500, exactToMs: 600 } }, []],
    [
      { clock: { aheadMs: -1500, exactToMs: 2 } },
      ['warning postgres-clock: the clock of the server is 1500 ms behind this one'],
    ],
    [{ messages: { overdueMs: 29_000, released: 0 } }, []],
    [{ messages: { released: 0 } }, []],
    [
      { messages: { overdueMs: 31_000, released: 0 } },
      ['warning postgres-overdue: a message is overdue for 31 s, and nobody claims it'],
    ],
    [
      { messages: { released: 3 } },
      ['warning postgres-released: 3 messages were given back, because their destination does not take them'],
    ],
    [{ lacks: undefined, tableSettings: undefined, oldestTransactionMs: undefined, messages: undefined }, []],
  ])('%o', (facts, findings) => {
    expect(told(facts)).toEqual(findings)
  })

  test('the error of missing rights says how to grant them', () => {
    const [lacking] = checkPostgres({ ...good, lacks: [{ on: 'SCHEMA dueque', rights: ['USAGE'] }] }).filter(
      ({ code }) => code === 'postgres-rights',
    )
    expect(lacking!.todo).toBe('GRANT USAGE ON SCHEMA dueque TO "app"')
  })
})
