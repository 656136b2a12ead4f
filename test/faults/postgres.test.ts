import { Pool } from 'pg'
import sqlTo from 'postgres'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivatePostgres } from '../../scripts/services/private-postgres.js'
import { withPostgres } from '../../scripts/services/postgres-client.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { useVhost } from '../support/broker.js'
import { NO_POSTGRES_PROGRAMS, startPostgres } from '../support/postgres.js'
import { AtWork } from './at-work.js'
import { bearsSilence, relayFaults } from './relay-faults.js'

const CLAIMED = 'SELECT count(*) FROM dueque.messages WHERE lease IS NOT NULL'

const POISON = `
  INSERT INTO dueque.messages (key, id, name, destination, due_at, ready_at, meta, body)
  SELECT 'poison-' || n, 'poison', 'n', 'queue:q', $2, $2, meta, '' FROM unnest($1::text[]) WITH ORDINALITY AS t (meta, n)`

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()
let server: PrivatePostgres | undefined
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())

/** Without a listener for its errors: dueque has one. */
function newPool(): Pool {
  const pool = new Pool({ connectionString: server!.url, connectionTimeoutMillis: 3000 })
  onTestFinished(() => pool.end())
  return pool
}

relayFaults({
  name: 'postgres',
  missing: NO_POSTGRES_PROGRAMS,
  strategy: (relay) => server && postgres({ pool: newPool(), ...(relay === false && { relay }) }),
  environment: () => ({ DUEQUE_POSTGRES_URL: server!.url }),
  claimed: async () => {
    const { rows } = await newPool().query<{ count: string }>(CLAIMED)
    return Number(rows[0]!.count)
  },
  async poison(metas) {
    const texts = metas.map((meta) => meta.replaceAll('\0', ''))
    await withPostgres(server!.url, (client) => client.query(POISON, [texts, Date.now()]))
  },
  async unpoison() {
    await withPostgres(server!.url, (client) => client.query("DELETE FROM dueque.messages WHERE id = 'poison'"))
  },
})

test('PostgreSQL stops answering: every call and close end in time, over pg', async ({ skip }) => {
  if (!server) return skip(NO_POSTGRES_PROGRAMS)
  await bearsSilence(vhost.url, server, (url, timeoutMs) => {
    const pool = new Pool({ connectionString: url })
    onTestFinished(() => void pool.end())
    return postgres({ pool, schema: 'silent', timeoutMs, relay: { backstopMs: 200 } })
  })
})

test('PostgreSQL stops answering: every call and close end in time, over postgres.js', async ({ skip }) => {
  if (!server) return skip(NO_POSTGRES_PROGRAMS)
  await bearsSilence(vhost.url, server, (url, timeoutMs) => {
    const sql = sqlTo(url, { onnotice: () => undefined, connect_timeout: 3 })
    onTestFinished(() => void sql.end({ timeout: 0 }))
    return postgres({ pool: sql, schema: 'silent', timeoutMs, relay: { backstopMs: 200 } })
  })
})

test('PostgreSQL is killed and restarted while messages are scheduled, wait and fall due', async ({ skip }) => {
  if (!server) return skip(NO_POSTGRES_PROGRAMS)
  const work = await AtWork.start(vhost.url, { strategy: postgres({ pool: newPool() }) })
  for (let round = 0; round < 3; round++) {
    await server.kill()
    await server.restart()
    await work.flows(`after kill ${round + 1}`)
  }
  await work.account()
  for (const error of work.load.failures) expect(error).toMatchObject({ code: 'STORE_ERROR' })
}, 180_000)
