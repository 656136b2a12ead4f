// Schedules two reminders for each appointment of a CSV file, then ends. It is not needed afterwards.
// producer.ts [--file CSV] [--queue NAME] [--speed N] [--lead SECONDS]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connect } from 'dueque'
import { realTime, type ClinicClock } from './clinic-clock.js'
import { readAppointments } from './csv.js'
import { reminder, remindersFor, type Reminder } from './reminder.js'
import { defaultQueue, defaultSpeed, namespace, positive, strategy, url } from './settings.js'

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

await using mq = await connect({ url, namespace, strategy: strategy() })

const firstDue = Math.min(...reminders.map(({ dueAt }) => dueAt))
const clock = { realStart: Date.now(), clinicStart: firstDue - leadMs * speed, speed }
const item = ({ id, payload, dueAt }: Reminder) => ({
  message: reminder,
  payload,
  options: { id, to: { queue }, at: new Date(realTime(clock, dueAt)), declare: true },
})

let confirmed = 0
for await (const { index, error } of mq.scheduleAll(reminders.map(item))) {
  if (!error) confirmed++
  else console.error(`reminder ${reminders[index]!.id}: ${error.message}`)
}
const tookMs = Date.now() - clock.realStart

console.log(`${confirmed} of ${reminders.length} reminders wait in the broker, after ${tookMs} ms`)
console.log(`clock: ${JSON.stringify(clock)}`)
process.send?.({ clock, confirmed, tookMs } satisfies ProducerReport)
if (confirmed < reminders.length) process.exitCode = 1
