import { expect, test } from 'vitest'
import { connect } from '../../src/index.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { note } from '../strategies/recorder.js'
import { poolOf, uniqueSchema } from '../strategies/postgres/store.js'
import { useVhost } from '../support/broker.js'
import { usePostgres } from '../support/postgres.js'
import { documents, run, unique } from './dueque.js'

const vhost = useVhost()
const database = usePostgres()

test('migrates, prints the same migration as SQL, and inspects waiting messages', async () => {
  const env = { DUEQUE_POSTGRES_URL: database.url, DUEQUE_POSTGRES_SCHEMA: uniqueSchema() }
  const before = await run(['count', '--json'], env)
  expect(before).toMatchObject({ code: 4, stderr: expect.stringContaining('dueque postgres migrate') as string })
  const migrated = await run(['postgres', 'migrate', '--json'], env)
  expect(documents(migrated.stdout)).toMatchObject([{ from: 0 }])
  const again = await run(['postgres', 'migrate'], env)
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') as string })

  const pool = poolOf(database.url)
  const strategy = postgres({ pool, schema: env.DUEQUE_POSTGRES_SCHEMA, migrate: false })
  const mq = await connect({ url: vhost.url, strategy })
  await mq.schedule(note, { n: 1 }, { to: { queue: unique('cli') }, in: '1h', id: 'a', declare: true })
  await mq.close()
  const cancelled = await run(['cancel', 'a', '--json'], env)
  expect(cancelled.code).toBe(0)

  const schema = uniqueSchema()
  const printed = await run(['postgres', 'migrate', '--print', '--postgres-schema', schema])
  await pool.query(printed.stdout)
  const same = await run(['postgres', 'migrate', '--postgres', database.url, '--postgres-schema', schema])
  expect(same.stdout).toContain('up to date')
})

test('an invalid URL and an unreachable server are reported without the password', async () => {
  const none = await run(['postgres', 'migrate', '--postgres', 'secret-word@host'])
  expect(none.code).toBe(2)
  const away = await run(['postgres', 'migrate', '--postgres', 'postgres://a:secret-word@127.0.0.1:1/b'])
  expect(away.code).toBe(3)
  expect(none.stderr + away.stderr).not.toContain('secret-word')
})
