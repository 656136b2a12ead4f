import { percentile, type Account } from './account.js'
import { brokerVersion, hasDelayPlugin } from './broker.js'
import { comparison } from './comparison.js'
import { day } from './day.js'
import { readInput, type Input } from './input.js'
import { outage, tryable } from './outage.js'
import { paint, tell } from './paint.js'
import { heldCount, url } from './settings.js'
import { clearStore, newStoreName } from './store.js'
import { WAYS, wayNames, type WayName } from './ways.js'

export interface CompareOptions {
  speed: number
  workers: number
  /** Seconds from the start of a producer to the first reminder. @default 8 */
  lead: number | undefined
}

/** The same day on each way for which there are servers, then an outage of all of them. Whether none lost or early. */
export async function compare({ speed, workers, lead = 8 }: CompareOptions): Promise<boolean> {
  const input = await readInput()
  const skipped = await missing()
  const ways = wayNames.filter((way) => !skipped.has(way))
  const store = newStoreName()
  console.log(`\n  ${paint('bold', "A clinic's day, on each way to wait")}\n`)
  tell('broker', await brokerVersion(url))
  tell('input', `${input.appointments.length} appointments, ${input.expected.length} reminders, once for each way`)
  for (const [way, reason] of skipped) tell('left out', `${way}: ${reason}`)
  console.log('')
  try {
    const days = new Map<WayName, Account>()
    for (const way of ways) days.set(way, await oneOf(way, { speed, workers, lead, store }, input))
    const tried = tryable(ways)
    const servers = [...new Set(tried.map((way) => WAYS[way].server))].filter((server) => server !== 'memory')
    tell(
      'outage',
      `${heldCount} reminders wait on each way. Then kill -9: ${['their producers', ...servers].join(', ')}`,
    )
    console.log(`\n${comparison(days, await outage(tried, store))}`)
    return [...days.values()].every(({ lost, early }) => lost === 0 && early === 0)
  } finally {
    for (const way of ways) await clearStore(way, store)
  }
}

async function oneOf(
  way: WayName,
  { speed, workers, lead, store }: CompareOptions & { lead: number; store: string },
  input: Input,
): Promise<Account> {
  tell(way, WAYS[way].story)
  const queue = `appointment-reminders-${crypto.randomUUID().slice(0, 8)}`
  const env = { DEMO_STRATEGY: way, DEMO_STORE: store }
  const account = await day({ way, queue, speed, workers, lead, env, isTold: false }, input)
  const { delivered, scheduled, early, lateness } = account
  const [half, most] = [percentile(lateness, 0.5), percentile(lateness, 0.99)]
  tell('', `${delivered} of ${scheduled} delivered, ${early} early, p50 ${half} ms late, p99 ${most} ms\n`)
  return account
}

/** The ways that cannot be tried here, with the reason. */
async function missing(): Promise<ReadonlyMap<WayName, string>> {
  const reasons = new Map<WayName, string>()
  if (!(await hasDelayPlugin(url))) reasons.set('plugin', 'this RabbitMQ has no delayed-message plugin')
  for (const way of wayNames) {
    const { server } = WAYS[way]
    if (server === 'Redis' && !process.env['REDIS_URL'])
      reasons.set(way, 'no Redis. Set REDIS_URL, or install redis-server')
    if (server === 'PostgreSQL' && !process.env['DATABASE_URL'])
      reasons.set(way, 'no PostgreSQL. Set DATABASE_URL, or install postgresql')
  }
  return reasons
}
