import { start, type Child } from './child.js'
import { realTime, wallClock, type ClinicClock } from './clinic-clock.js'
import type { Input } from './input.js'
import { unlessStopped } from './interrupt.js'
import type { MoveReport } from './move-reminders.js'
import type { OneProcessReport } from './one-process.js'
import { tell } from './paint.js'
import type { ProducerReport } from './producer.js'
import type { Reminder } from './reminder.js'
import type { WayName } from './ways.js'

/** A day's work, and where it is written down. */
export interface Work {
  readonly way: WayName
  readonly queue: string
  readonly ledger: string
  readonly speed: number
  /** Seconds from the start of the producer to the first reminder. */
  readonly lead: number
  readonly workers: number
  /** Variables of the processes. */
  readonly env: Record<string, string>
  /** Whether each step is told. */
  readonly isTold: boolean
}

/** Starts the processes of a day, adds them to `children`, and resolves once every reminder is scheduled and moved. */
export function beginDay(work: Work, input: Input, children: Child[]): Promise<ClinicClock> {
  return work.way === 'memory' ? inOneProcess(work, input, children) : inSeveral(work, input, children)
}

async function inSeveral(work: Work, input: Input, children: Child[]): Promise<ClinicClock> {
  const { queue, ledger, speed, lead, workers, env } = work
  const say = work.isTold ? tell : () => undefined
  for (let i = 0; i < workers; i++) children.push(start('worker.ts', ['--queue', queue, '--ledger', ledger], env))
  await unlessStopped(Promise.all(children.map(({ told }) => told)))
  say('workers', children.map(({ name }) => name).join(', '))

  const producer = start('producer.ts', ['--queue', queue, '--speed', String(speed), '--lead', String(lead)], env)
  children.push(producer)
  const report = (await unlessStopped(producer.told)) as ProducerReport
  await unlessStopped(producer.ended)
  checkProducer(report, input.scheduled)
  say('producer', `${report.confirmed} reminders confirmed in ${report.tookMs} ms, and its process has ended`)
  sayClock(say, report, input.scheduled)

  const desk = start('desk.ts', ['--queue', queue, '--clock', JSON.stringify(report.clock)], env)
  children.push(desk)
  const answers = (await unlessStopped(desk.told)) as MoveReport
  await unlessStopped(desk.ended)
  sayMoves(say, answers, input.moves.size)
  return report.clock
}

async function inOneProcess(work: Work, input: Input, children: Child[]): Promise<ClinicClock> {
  const { queue, ledger, speed, lead, env } = work
  const say = work.isTold ? tell : () => undefined
  const args = ['--queue', queue, '--ledger', ledger, '--speed', String(speed), '--lead', String(lead)]
  const all = start('one-process.ts', args, env)
  children.push(all)
  const { producer, desk } = (await unlessStopped(all.told)) as OneProcessReport
  checkProducer(producer, input.scheduled)
  say('process', `${all.name} is worker, producer and desk: another process would not see the reminders`)
  say(
    'producer',
    `${producer.confirmed} reminders scheduled in ${producer.tookMs} ms; they are lost if the process ends`,
  )
  sayClock(say, producer, input.scheduled)
  sayMoves(say, desk, input.moves.size)
  return producer.clock
}

function checkProducer({ confirmed }: ProducerReport, { length }: readonly Reminder[]): void {
  if (confirmed < length) throw new Error(`${length - confirmed} reminders were not confirmed`)
}

type Say = (label: string, text: string) => void

function sayClock(say: Say, { clock, tookMs }: ProducerReport, reminders: readonly Reminder[]): void {
  const sorted = reminders.toSorted((a, b) => a.dueAt - b.dueAt)
  const [first, last] = [sorted[0]!, sorted.at(-1)!]
  const seconds = Math.round((realTime(clock, last.dueAt) - realTime(clock, first.dueAt)) / 1000)
  const [from, to] = [first, last].map(({ dueAt }) => wallClock(dueAt, first.payload.start))
  say('clock', `${from!} to ${to!} in ${seconds} s, ${clock.speed} times as fast as a real one`)
  if (realTime(clock, first.dueAt) < clock.realStart + tookMs)
    say('note', 'the first were confirmed after they were due, and are late for that')
}

function sayMoves(say: Say, { cancelled = 0, ...late }: MoveReport, appointments: number): void {
  if (Object.keys(late).length > 0)
    throw new Error(`reminders were moved too late: ${JSON.stringify(late)}. This machine is busy; try --lead 30`)
  say('desk', `${appointments} appointments moved, ${cancelled} reminders with them`)
}
