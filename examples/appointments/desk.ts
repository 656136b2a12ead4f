// The front desk: moves appointments to another time, and their reminders with them.
// desk.ts --clock JSON [--file CSV] [--moves CSV] [--queue NAME]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ClinicClock } from './clinic-clock.js'
import { openConnection } from './connection.js'
import { readAppointments, readMoves } from './csv.js'
import { moveReminders } from './move-reminders.js'
import { defaultQueue } from './settings.js'

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

await using connection = await openConnection()
const report = await moveReminders(connection.mq, before, { moves, queue, clock })
console.log(`${before.length} appointments moved, ${before.length * 2} reminders with them: ${JSON.stringify(report)}`)
process.send?.(report)
