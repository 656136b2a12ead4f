import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { account } from '../../examples/appointments/account.js'
import type { ClinicClock } from '../../examples/appointments/clinic-clock.js'
import { readInput } from '../../examples/appointments/input.js'
import { readLedger } from '../../examples/appointments/ledger.js'
import { poll, useVhost } from '../support/broker.js'
import { runExample, startExample } from '../support/example.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'

const vhost = useVhost()
const redis = useRedis()
const database = usePostgres()
const root = fileURLToPath(new URL('../..', import.meta.url))

const clockOf = (lines: readonly string[]) => lines.find((line) => line.startsWith('clock: '))?.slice('clock: '.length)

test('appointments: the desk moves the reminders of appointments that the producer has scheduled', async () => {
  // The first is due in an hour, so that however slow this machine is, nothing is late.
  const args = ['--speed', '7200', '--lead', '3600']
  const env = { AMQP_URL: vhost.url }
  const clock = clockOf(await runExample('appointments/producer.ts', env, ...args))!
  expect(await runExample('appointments/desk.ts', env, '--clock', clock)).toEqual([
    '5 appointments moved, 10 reminders with them: {"cancelled":10}',
  ])
})

// Two days pass in less than a second, after the time in which even a busy machine has scheduled and moved everything.
const FAST = ['--speed', '400000', '--lead', '15']

test('appointments: on each strategy every reminder arrives, none early', { timeout: 120_000 }, async () => {
  const { expected } = await readInput()
  const days = ['ladder', 'redis', 'redis-expiry', 'postgres'].map(async (way) => {
    const ledger = `${temporaryFolder()}/ledger.jsonl`
    const env = {
      AMQP_URL: vhost.url,
      REDIS_URL: redis.url,
      DATABASE_URL: database.url,
      DEMO_STRATEGY: way,
      // Ids are one for a namespace: what the ladder reschedules would be cancelled for the others.
      DEMO_NAMESPACE: `demo-${way}`,
      DEMO_STORE: way === 'postgres' ? 'dueque_demo' : `${redis.prefix}-${way}`,
    }
    const args = ['--queue', `day-${way}`, '--ledger', ledger, ...FAST]
    const { lines } = startExample('appointments/one-process.ts', env, ...args)
    const arrived = () => lines.filter((line) => line.endsWith(' ms late')).length
    const isOver = () => clockOf(lines) !== undefined && arrived() >= expected.length
    await poll(isOver, { timeoutMs: 50_000, what: `every reminder by ${way}` })
    return account(expected, await readLedger(ledger), JSON.parse(clockOf(lines)!) as ClinicClock)
  })
  const none = { lost: 0, early: 0 }
  expect(await Promise.all(days)).toMatchObject([none, none, none, none])
})

test('scripts/demo: a day in memory needs no server, and counts', async () => {
  const args = ['--import', 'tsx', 'scripts/run-demo.ts', '--strategy', 'memory', ...FAST]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  expect(stdout).toMatch(/^ +scheduled +delivered +lost +early .*\n +596 +596 +0 +0 /m)
  expect(stdout).toContain('Every reminder arrived, none early, none twice.')
  expect(stdout).not.toContain('\x1b')
})

test('scripts/demo: an unknown strategy is refused, before a server is started', async () => {
  const args = ['--import', 'tsx', 'scripts/run-demo.ts', '--strategy', 'rabbit']
  const refused = promisify(execFile)(process.execPath, args, { cwd: root })
  await expect(refused).rejects.toMatchObject({
    code: 1,
    stderr: "--strategy: expected one of ladder, plugin, redis, redis-expiry, postgres, memory, got 'rabbit'\n",
  })
})
