// The front desk: moves appointments to another time, and their reminders with them.
// desk.ts --clock JSON [--file CSV] [--moves CSV] [--queue NAME]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connect, type CancelResult } from 'dueque'
import { realTime, type ClinicClock } from './clinic-clock.js'
import { readAppointments, readMoves } from './csv.js'
import { moved, reminder, remindersFor } from './reminder.js'
import { defaultQueue, namespace, strategy, url } from './settings.js'

/** The report of the desk to the process that started it: how many reminders had each answer. */
export type DeskReport = Partial<Record<CancelResult, number>>

const { values } = parseArgs({
  options: {
    clock: { type: 'string' },
    file: { type: 'string', default: join(import.meta.dirname, 'appointments.csv') },
    moves: { type: 'string', default: join(import.meta.dirname, 'moves.csv') },
    queue: { type: 'string', default: defaultQueue },
  },
})
const { file, queue } = values
if (values.clock === undefined) throw new Error('--clock: expected the clock that the producer has printed')
const clock = JSON.parse(values.clock) as ClinicClock

const { appointments } = await readAppointments(file)
const moves = await readMoves(values.moves)
const before = appointments.filter(({ id }) => moves.has(id))
// The ids of reminders follow from the appointment: nobody has to keep their receipts.
const dueBefore = new Map(remindersFor(before).map(({ id, dueAt }) => [id, dueAt]))

await using mq = await connect({ url, namespace, strategy: strategy() })

const answers = await Promise.all(
  remindersFor(moved(before, moves)).map(async ({ id, payload, dueAt }) => {
    const target = { id, dueAt: new Date(realTime(clock, dueBefore.get(id)!)) }
    const content = { message: reminder, payload, options: { to: { queue } } }
    const { replaced } = (await mq.reschedule(target, { at: new Date(realTime(clock, dueAt)) }, content))!
    return replaced
  }),
)

const report: DeskReport = {}
for (const answer of answers) report[answer] = (report[answer] ?? 0) + 1
console.log(`${before.length} appointments moved, ${answers.length} reminders with them: ${JSON.stringify(report)}`)
process.send?.(report)
