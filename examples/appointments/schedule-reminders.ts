import type { Dueque } from 'dueque'
import { realTime, type ClinicClock } from './clinic-clock.js'
import { reminder, type Reminder } from './reminder.js'

/** Schedules every reminder at its time on the clinic's clock. Resolves to how many are confirmed. */
export async function scheduleReminders(
  mq: Dueque,
  reminders: readonly Reminder[],
  { queue, clock }: { queue: string; clock: ClinicClock },
): Promise<number> {
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
  return confirmed
}
