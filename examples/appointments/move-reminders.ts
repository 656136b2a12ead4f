import type { CancelMethods, CancelResult } from 'dueque'
import { realTime, type ClinicClock } from './clinic-clock.js'
import type { Appointment } from './csv.js'
import { moved, reminder, remindersFor } from './reminder.js'

/** How many reminders had each answer. */
export type MoveReport = Partial<Record<CancelResult, number>>

/** Moves the reminders of some appointments with them. */
export async function moveReminders(
  mq: CancelMethods,
  appointments: readonly Appointment[],
  { moves, queue, clock }: { moves: ReadonlyMap<string, string>; queue: string; clock: ClinicClock },
): Promise<MoveReport> {
  // The ids of reminders follow from the appointment: nobody has to keep their receipts.
  const dueBefore = new Map(remindersFor(appointments).map(({ id, dueAt }) => [id, dueAt]))
  const answers = await Promise.all(
    remindersFor(moved(appointments, moves)).map(async ({ id, payload, dueAt }) => {
      const target = { id, dueAt: new Date(realTime(clock, dueBefore.get(id)!)) }
      const content = { message: reminder, payload, options: { to: { queue } } }
      const answer = await mq.reschedule(target, { at: new Date(realTime(clock, dueAt)) }, content)
      return answer?.replaced ?? 'not-waiting'
    }),
  )
  const report: MoveReport = {}
  for (const answer of answers) report[answer] = (report[answer] ?? 0) + 1
  return report
}
