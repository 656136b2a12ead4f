// Schedules reminders that are due in some seconds, and stays until somebody kills it.
// hold.ts --count N --in SECONDS --queue NAME --ledger FILE
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clockTo } from './clinic-clock.js'
import { openConnection } from './connection.js'
import { readAppointments } from './csv.js'
import { handleReminders } from './handle-reminders.js'
import { remindersFor } from './reminder.js'
import { scheduleReminders } from './schedule-reminders.js'
import { positive } from './settings.js'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    in: { type: 'string', default: '15' },
    queue: { type: 'string', default: '' },
    ledger: { type: 'string', default: '' },
  },
})
const { queue } = values
const [count, seconds] = [positive('count', values.count), positive('in', values.in)]

const { mq } = await openConnection()
// Memory has no other process that could consume.
if (process.env['DEMO_STRATEGY'] === 'memory') await handleReminders(mq, queue, await open(values.ledger, 'a'))

const { appointments } = await readAppointments(join(import.meta.dirname, 'appointments.csv'))
const clock = clockTo(0, { leadMs: seconds * 1000, speed: 1 })
const reminders = remindersFor(appointments).slice(0, count)
const confirmed = await scheduleReminders(
  mq,
  reminders.map((one) => ({ ...one, dueAt: 0 })),
  { queue, clock },
)
process.send?.(confirmed)
