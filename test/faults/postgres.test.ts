import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { postgres } from '../../src/strategies/postgres/index.js'
import { useVhost } from '../support/broker.js'
import { NO_POSTGRES_PROGRAMS, startPostgres } from '../support/postgres.js'
import { AtWork } from './at-work.js'

const vhost = useVhost()

test('PostgreSQL is killed and restarted while messages are scheduled, wait and fall due', async ({ skip }) => {
  const server = await startPostgres()
  if (!server) return skip(NO_POSTGRES_PROGRAMS)
  onTestFinished(() => server.stop())
  // Without a listener for its errors: dueque has one.
  const pool = new Pool({ connectionString: server.url, connectionTimeoutMillis: 3000 })
  onTestFinished(() => pool.end())
  const work = await AtWork.start(vhost.url, { strategy: postgres({ pool }) })
  for (let round = 0; round < 3; round++) {
    await server.kill()
    await server.restart()
    await work.flows(`after kill ${round + 1}`)
  }
  await work.account()
  for (const error of work.load.failures) expect(error).toMatchObject({ code: 'STORE_ERROR' })
}, 180_000)
