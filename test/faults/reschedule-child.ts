// reschedule-child.ts CRASH PLAN URL: a process that reschedules and cancels. It prints `ready`, waits for the file PLAN, takes
// its steps, each at its time, and prints an answer as JSON for each. With CRASH `between` it kills itself between the two steps of all its
// reschedules: each new copy is confirmed, and no record of the old one is written.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, ladder, type LadderStrategy, type Receipt } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

export interface Step {
  readonly n: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly receipt: Receipt
  /** The new due time. Without one, the id is cancelled. */
  readonly dueAt?: string
  /** Of the new payload. */
  readonly text?: string
}

export interface StepAnswer {
  readonly n: number
  readonly answer: string
  readonly answeredAt: number
  /** Of the new copy. */
  readonly revision?: number | undefined
}

const [crash, file, url] = process.argv.slice(2) as [string, string, string]
let plan: readonly Step[] = []

function crashing(): LadderStrategy {
  let confirmed = 0
  const write = () => {
    if (++confirmed === plan.length) process.kill(process.pid, 'SIGKILL')
    return new Promise<never>(() => undefined)
  }
  return { ...ladder(), cancellations: { write } }
}

const strategy = crash === 'between' ? crashing() : ladder()
const mq = await connect({ url, strategy, logger: false })
process.stdout.write('ready\n')
while (!existsSync(file)) await pause(5)
plan = JSON.parse(readFileSync(file, 'utf8')) as Step[]

async function take({ n, at, receipt, dueAt, text = '' }: Step): Promise<void> {
  await pause(Math.max(at - Date.now(), 0))
  const print = (answer: string, revision?: number) => {
    process.stdout.write(`${JSON.stringify({ n, answer, answeredAt: Date.now(), revision } satisfies StepAnswer)}\n`)
  }
  if (dueAt === undefined) return print(await mq.cancel({ id: receipt.id, dueAt: receipt.dueAt }))
  const { replaced, revision } = (await mq.reschedule(receipt, { at: dueAt }, { message: note, payload: { n, text } }))!
  print(replaced, revision)
}

await Promise.all(plan.map(take))
await mq.close()
