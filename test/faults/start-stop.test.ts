import { once } from 'node:events'
import { test } from 'vitest'
import { managementUrl, useVhost } from '../support/broker.js'
import { spawnChild } from '../support/child.js'
import { usePostgres } from '../support/postgres.js'
import { useRedis } from '../support/redis.js'
import type { StartStopSettings } from './start-stop-child.js'

const CHILD = new URL('start-stop-child.ts', import.meta.url)
/** Of each part. */
const COUNT = Number(process.env['DUEQUE_START_STOP_COUNT'] ?? 8)
const SEED = Number(process.env['DUEQUE_START_STOP_SEED'] ?? 7)
/** How long a network is silent, at most. */
const LONGEST_MS = Number(process.env['DUEQUE_START_STOP_SILENT_MS'] ?? 500)

const vhost = useVhost()
const [redis, database] = [useRedis(), usePostgres()]

const PARTS = [
  ['a connection', 'connection'],
  ['a consumer', 'consumer'],
  ['a relay of Redis', 'redis'],
  ['a relay of PostgreSQL', 'postgres'],
  ['a ticker', 'ticker'],
  ['a gate', 'gate'],
  ['a dashboard', 'dashboard'],
] as const

test.concurrent.for(PARTS)(
  '%s that is started and stopped again and again amid faults leaves nothing behind, and nothing hangs',
  { timeout: 120_000 + COUNT * 10_000 },
  async ([, subject], { expect, onTestFinished }) => {
    const store = subject === 'redis' ? redis.url : subject === 'postgres' ? database.url : undefined
    const settings: StartStopSettings = {
      ...{ subject, count: COUNT, seed: SEED, lanes: 2, longestMs: LONGEST_MS },
      ...{ url: vhost.url, management: managementUrl(), store, prefix: redis.prefix },
    }
    const child = spawnChild({}, CHILD, JSON.stringify(settings))
    onTestFinished(child.kill)
    // After its last line.
    await once(child.process, 'close')
    const said = child.lines.at(-1)
    console.info(subject, said)
    expect(said).toMatch(/^clean/)
  },
)
