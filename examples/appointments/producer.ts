// Schedules two reminders for each appointment of a CSV file, then ends. It is not needed afterwards.
// producer.ts [--file CSV] [--queue NAME] [--speed N] [--lead SECONDS]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clockTo, type ClinicClock } from './clinic-clock.js'
import { openConnection } from './connection.js'
import { readAppointments } from './csv.js'
import { firstDue, remindersFor } from './reminder.js'
import { scheduleReminders } from './schedule-reminders.js'
import { defaultQueue, defaultSpeed, positive } from './settings.js'

/** The report of the producer to the process that started it. */
export interface ProducerReport {
  clock: ClinicClock
  confirmed: number
  tookMs: number
}

const { values } = parseArgs({
  options: {
    file: { type: 'string', default: join(import.meta.dirname, 'appointments.csv') },
    queue: { type: 'string', default: defaultQueue },
    speed: { type: 'string', default: defaultSpeed },
    lead: { type: 'string', default: '8' },
  },
})
const { file, queue } = values
const speed = positive('speed', values.speed)
const leadMs = positive('lead', values.lead) * 1000

const { appointments, skipped } = await readAppointments(file)
for (const { line, reason } of skipped) console.log(`line ${line} skipped: ${reason}`)
const reminders = remindersFor(appointments)

await using connection = await openConnection()

const clock = clockTo(firstDue(reminders), { leadMs, speed })
const confirmed = await scheduleReminders(connection.mq, reminders, { queue, clock })
const tookMs = Date.now() - clock.realStart

console.log(`${confirmed} of ${reminders.length} reminders wait, after ${tookMs} ms`)
console.log(`clock: ${JSON.stringify(clock)}`)
process.send?.({ clock, confirmed, tookMs } satisfies ProducerReport)
if (confirmed < reminders.length) process.exitCode = 1
