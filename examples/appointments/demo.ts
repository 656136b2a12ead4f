// A clinic's day in half a minute: a process that schedules reminders, one that moves some, others that receive them, and the
// count at the end.
// demo.ts [--speed N] [--workers N] [--dashboard]
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { account } from './account.js'
import { brokerVersion, deleteQueues } from './broker.js'
import { start, type Child } from './child.js'
import { realTime, wallClock, type ClinicClock } from './clinic-clock.js'
import { readAppointments, readMoves } from './csv.js'
import type { DeskReport } from './desk.js'
import { readLedger } from './ledger.js'
import type { ProducerReport } from './producer.js'
import { Progress } from './progress.js'
import { moved, remindersFor, type Reminder } from './reminder.js'
import { report } from './report.js'
import { defaultSpeed, positive, url } from './settings.js'

/** Time after the last due instant until a missing reminder counts as lost. */
const PATIENCE_MS = 15_000

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort())
const { signal } = interrupt

try {
  process.exitCode = (await demo()) ? 0 : 1
} catch (error) {
  console.error(signal.aborted ? '\nInterrupted.' : (error as Error).message)
  process.exitCode = signal.aborted ? 130 : 1
}

/** Whether every reminder arrived, and none early. */
async function demo(): Promise<boolean> {
  const { speed, workers, hasDashboard } = options()
  const { appointments, skipped } = await readAppointments(join(import.meta.dirname, 'appointments.csv'))
  const moves = await readMoves(join(import.meta.dirname, 'moves.csv'))
  const reminders = remindersFor(moved(appointments, moves))
  const queue = `appointment-reminders-${crypto.randomUUID().slice(0, 8)}`
  console.log(`\n  broker     ${await brokerVersion(url)}, queue ${queue}`)
  const zones = new Set(appointments.map((appointment) => appointment.start.slice(-6))).size
  console.log(`  input      ${appointments.length} appointments in ${zones} time zones, 2 reminders each`)
  for (const { line, reason } of skipped) console.log(`  skipped    line ${line}: ${reason}`)

  const folder = await mkdtemp(join(tmpdir(), 'appointments-'))
  const ledger = join(folder, 'ledger.jsonl')
  await writeFile(ledger, '')
  const dashboard = hasDashboard ? openDashboard(queue) : undefined
  const children: Child[] = []
  try {
    if (dashboard) console.log(`  dashboard  ${await unlessStopped(addressOf(dashboard))}`)
    for (let i = 0; i < workers; i++) children.push(start('worker.ts', ['--queue', queue, '--ledger', ledger]))
    await unlessStopped(Promise.all(children.map(({ told }) => told)))
    console.log(`  workers    ${children.map(({ name }) => name).join(', ')}`)
    const scheduled = remindersFor(appointments)
    // Its journal is one more confirm for each reminder.
    const lead = dashboard ? ['--lead', '20'] : []
    const clock = await produce(scheduled, children, ['--queue', queue, '--speed', String(speed), ...lead])
    await move(moves.size, children, ['--queue', queue, '--clock', JSON.stringify(clock)])
    await watch(reminders, clock, ledger)
    await Promise.all(children.map((child) => child.stop()))
    const result = account(reminders, await readLedger(ledger), clock)
    console.log(`\n${report(result)}\n`)
    await showDashboard(dashboard)
    return result.lost === 0 && result.early === 0
  } finally {
    await Promise.all([...(dashboard ? [dashboard] : []), ...children].map((child) => child.stop()))
    await rm(folder, { recursive: true })
    await deleteQueues(url, [queue, `${queue}.dead`, `${queue}-tomorrow`, `${queue}-tomorrow.dead`])
  }
}

function options(): { speed: number; workers: number; hasDashboard: boolean } {
  const { values } = parseArgs({
    options: {
      speed: { type: 'string', default: defaultSpeed },
      workers: { type: 'string', default: '2' },
      dashboard: { type: 'boolean', default: false },
    },
  })
  const { speed, workers, dashboard } = values
  return { speed: positive('speed', speed), workers: positive('workers', workers), hasDashboard: dashboard }
}

/** The processes that follow write a journal, from which it lists their messages. */
function openDashboard(queue: string): Child {
  process.env['DEMO_JOURNAL'] = '1'
  return start('dashboard.ts', ['--queue', queue])
}

async function addressOf({ told }: Child): Promise<string> {
  return (await told) as string
}

/** Says how to see the same in the dashboard, or keeps it until the demo is interrupted. */
async function showDashboard(dashboard: Child | undefined): Promise<void> {
  if (!dashboard) return console.log('  To see the same in the dashboard: scripts/demo --dashboard\n')
  console.log(
    `  The dashboard stays open at ${await addressOf(dashboard)}, with reminders in real time. Ctrl-C ends it.\n`,
  )
  await Promise.race([once(signal, 'abort'), dashboard.ended])
}

/** Runs the producer to its end: from then on only the broker has the reminders. */
async function produce(reminders: readonly Reminder[], children: Child[], args: string[]): Promise<ClinicClock> {
  const producer = start('producer.ts', args)
  children.push(producer)
  const { clock, confirmed, tookMs } = (await unlessStopped(producer.told)) as ProducerReport
  await unlessStopped(producer.ended)
  if (confirmed < reminders.length) throw new Error(`${reminders.length - confirmed} reminders were not confirmed`)
  const [first, last] = span(reminders)
  const seconds = Math.round((realTime(clock, last.dueAt) - realTime(clock, first.dueAt)) / 1000)
  const [from, to] = [first, last].map(({ dueAt }) => wallClock(dueAt, first.payload.start))
  console.log(`  producer   ${confirmed} reminders confirmed in ${tookMs} ms, and its process has ended`)
  console.log(`  clock      ${from!} to ${to!} in ${seconds} s, ${clock.speed} times as fast as a real one`)
  if (realTime(clock, first.dueAt) < clock.realStart + tookMs) {
    console.log('  note       the first were confirmed after they were due, and are late for that')
  }
  return clock
}

/** Moves some appointments, in a process that has never seen the receipts of their reminders. */
async function move(appointments: number, children: Child[], args: string[]): Promise<void> {
  const desk = start('desk.ts', args)
  children.push(desk)
  const answers = (await unlessStopped(desk.told)) as DeskReport
  await unlessStopped(desk.ended)
  const { cancelled = 0, ...late } = answers
  console.log(`  desk       ${appointments} appointments moved, ${cancelled} reminders with them\n`)
  if (Object.keys(late).length > 0) throw new Error(`reminders were moved too late: ${JSON.stringify(late)}`)
}

/** Waits for all reminders, and a moment more for duplicates; or until the rest counts as lost. */
async function watch(reminders: readonly Reminder[], clock: ClinicClock, file: string): Promise<void> {
  const progress = new Progress(reminders, clock)
  const deadline = realTime(clock, span(reminders)[1].dueAt) + PATIENCE_MS
  let arrived = 0
  while (arrived < reminders.length && Date.now() < deadline) {
    await pause(200, undefined, { signal })
    const ledger = await readLedger(file)
    progress.show(ledger)
    arrived = new Set(ledger.map(({ id }) => id)).size
  }
  await pause(500, undefined, { signal })
  progress.end()
}

/** The reminders that are due first and last. */
function span(reminders: readonly Reminder[]): [Reminder, Reminder] {
  const sorted = reminders.toSorted((a, b) => a.dueAt - b.dueAt)
  return [sorted[0]!, sorted.at(-1)!]
}

function unlessStopped<T>(promise: Promise<T>): Promise<T> {
  const stopped = once(signal, 'abort').then(() => Promise.reject(new Error('interrupted')))
  return signal.aborted ? stopped : Promise.race([promise, stopped])
}
