/**
 * Schedules and handles messages with each strategy, while its wall clock is set back by an hour, and forward again:
 * `FAKETIME-FILE AMQP-URL REDIS-URL DATABASE-URL NAME`. Prints a line of JSON for each message and each warning.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { connect, ladder, on, type Dueque, type Strategy } from '../../src/index.js'
import { postgres } from '../../src/strategies/postgres/index.js'
import { redis, redisExpiry } from '../../src/strategies/redis/index.js'
import { note } from '../strategies/recorder.js'

const [file, url, redisUrl, databaseUrl, name] = process.argv.slice(2) as [string, string, string, string, string]

const strategies: Record<string, Strategy> = {
  ladder: ladder(),
  redis: redis({ client: new Redis(redisUrl), prefix: `${name}-redis` }),
  redisExpiry: redisExpiry({ client: new Redis(redisUrl), prefix: `${name}-expiry` }),
  postgres: postgres({ pool: new Pool({ connectionString: databaseUrl }), schema: name }),
}

const print = (line: object) => console.log(JSON.stringify(line))
const mqs: Record<string, Dueque> = {}
const scheduled = new Map<string, number>()
let handled = 0

for (const [kind, strategy] of Object.entries(strategies)) {
  const none = () => undefined
  const logger = { debug: none, info: none, warn: (warning: string) => print({ kind, warning }), error: none }
  const mq = await connect({ url, namespace: `${name}-${kind}`, strategy, logger })
  mqs[kind] = mq
  const handler = on(note, ({ payload: { n }, dueAt }) => {
    handled++
    const lateMs = Date.now() - dueAt.getTime()
    print({ kind, n, lateMs, tookMs: Math.round(performance.now() - scheduled.get(`${kind}${n}`)!) })
  })
  await mq.consume(`${name}-${kind}`, [handler])
}

async function schedule(n: number, inMs: number): Promise<void> {
  const all = Object.entries(mqs).map(async ([kind, mq]) => {
    scheduled.set(`${kind}${n}`, performance.now())
    await mq.schedule(note, { n }, { to: { queue: `${name}-${kind}` }, in: inMs })
  })
  await Promise.all(all)
}

async function all(count: number): Promise<void> {
  while (handled < count) await pause(20)
}

/** Replaces the whole file at once, so that it is never read half-written. */
function setClock(offset: string): void {
  writeFileSync(`${file}.new`, offset)
  renameSync(`${file}.new`, file)
}

await schedule(0, 200)
await all(4)
setClock('-3600')
await schedule(1, 500)
await all(8)
await schedule(2, 1500)
setClock('+0')
await schedule(3, 500)
await all(16)
await Promise.all(Object.values(mqs).map((mq) => mq.close()))
print({ end: true })
process.exit()
