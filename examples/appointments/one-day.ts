import { once } from 'node:events'
import { brokerVersion, deleteQueues, hasDelayPlugin } from './broker.js'
import { start, type Child } from './child.js'
import { day } from './day.js'
import { readInput, type Input } from './input.js'
import { signal, unlessStopped } from './interrupt.js'
import { paint, tell } from './paint.js'
import { report } from './report.js'
import { url } from './settings.js'
import { clearStore, newStoreName } from './store.js'
import { WAYS, type WayName } from './ways.js'

export interface OneDayOptions {
  way: WayName
  speed: number
  workers: number
  /** Seconds from the start of the producer to the first reminder. */
  lead: number | undefined
  hasDashboard: boolean
}

/** One day, told step by step. Whether every reminder arrived, and none early. */
export async function oneDay({ way, speed, workers, lead, hasDashboard }: OneDayOptions): Promise<boolean> {
  const input = await readInput()
  const queue = `appointment-reminders-${crypto.randomUUID().slice(0, 8)}`
  const store = newStoreName()
  await introduce(way, queue, input)
  const env = { DEMO_STRATEGY: way, DEMO_STORE: store, ...(hasDashboard && { DEMO_JOURNAL: '1' }) }
  const dashboard = hasDashboard ? start('dashboard.ts', ['--queue', queue], env) : undefined
  try {
    if (dashboard) tell('dashboard', await unlessStopped(addressOf(dashboard)))
    const work = { way, queue, speed, workers, lead: lead ?? leadOf(way, hasDashboard), env, isTold: true }
    const account = await day(work, input)
    console.log(`\n${report(account)}\n`)
    if (dashboard) await keep(dashboard)
    else console.log(hint(way))
    return account.lost === 0 && account.early === 0
  } finally {
    if (dashboard) {
      await dashboard.stop()
      await deleteQueues(url, [`${queue}-tomorrow`, `${queue}-tomorrow.dead`])
    }
    await clearStore(way, store)
  }
}

/** Seconds to schedule everything in. The journal of a dashboard is one more confirm for each reminder. */
function leadOf(way: WayName, hasDashboard: boolean): number {
  if (hasDashboard) return 20
  return way === 'memory' ? 2 : 8
}

async function introduce(way: WayName, queue: string, { appointments, skipped }: Input): Promise<void> {
  console.log(`\n  ${paint('bold', "A clinic's day")}\n`)
  if (way !== 'memory') tell('broker', `${await brokerVersion(url)}, queue ${queue}`)
  tell('strategy', `${paint('bold', way)}: ${WAYS[way].story}`)
  if (way === 'plugin' && !(await hasDelayPlugin(url)))
    throw new Error(
      '\nThis RabbitMQ has no delayed-message plugin. CONTRIBUTING.md says how to start one that has it; it does not run on RabbitMQ 4.3.',
    )
  const zones = new Set(appointments.map((appointment) => appointment.start.slice(-6))).size
  tell('input', `${appointments.length} appointments in ${zones} time zones, 2 reminders each`)
  for (const { line, reason } of skipped) tell('skipped', `line ${line}: ${reason}`)
}

async function addressOf({ told }: Child): Promise<string> {
  return (await told) as string
}

/** Keeps the dashboard until the demo is interrupted. */
async function keep(dashboard: Child): Promise<void> {
  const address = await addressOf(dashboard)
  console.log(`  The dashboard stays open at ${address}, with reminders in real time. Ctrl-C ends it.\n`)
  await Promise.race([once(signal, 'abort'), dashboard.ended])
}

function hint(way: WayName): string {
  const lines = [
    ...(way === 'ladder' ? ['The same in a browser:            scripts/demo --dashboard'] : []),
    'The same on each way to wait:     scripts/demo --compare',
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}
