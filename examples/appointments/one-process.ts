// Worker, producer and front desk in one process, for reminders that wait in its memory.
// one-process.ts [--queue NAME] [--ledger FILE] [--speed N] [--lead SECONDS]
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clockTo } from './clinic-clock.js'
import { openConnection } from './connection.js'
import { readAppointments, readMoves } from './csv.js'
import { handleReminders } from './handle-reminders.js'
import { moveReminders, type MoveReport } from './move-reminders.js'
import type { ProducerReport } from './producer.js'
import { firstDue, remindersFor } from './reminder.js'
import { scheduleReminders } from './schedule-reminders.js'
import { defaultQueue, defaultSpeed, positive } from './settings.js'
import { untilStopped } from './until-stopped.js'

/** The reports of a producer and of a front desk. */
export interface OneProcessReport {
  producer: ProducerReport
  desk: MoveReport
}

const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: defaultQueue },
    ledger: { type: 'string', default: 'reminders.jsonl' },
    speed: { type: 'string', default: defaultSpeed },
    lead: { type: 'string', default: '2' },
  },
})
const { queue } = values
const [speed, leadMs] = [positive('speed', values.speed), positive('lead', values.lead) * 1000]

process.env['DEMO_STRATEGY'] ??= 'memory'
await using ledger = await open(values.ledger, 'a')
await using connection = await openConnection()
const { mq } = connection
await handleReminders(mq, queue, ledger)

const { appointments } = await readAppointments(join(import.meta.dirname, 'appointments.csv'))
const moves = await readMoves(join(import.meta.dirname, 'moves.csv'))
const reminders = remindersFor(appointments)
const clock = clockTo(firstDue(reminders), { leadMs, speed })
const confirmed = await scheduleReminders(mq, reminders, { queue, clock })
const producer = { clock, confirmed, tookMs: Date.now() - clock.realStart }
const before = appointments.filter(({ id }) => moves.has(id))
const desk = await moveReminders(mq, before, { moves, queue, clock })

console.log(`clock: ${JSON.stringify(clock)}`)
process.send?.({ producer, desk } satisfies OneProcessReport)
await untilStopped()
