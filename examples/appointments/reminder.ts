import { defineMessage } from 'dueque'
import { z } from 'zod'
import type { Appointment } from './csv.js'

const payload = z.object({
  appointment: z.string(),
  patient: z.string(),
  practitioner: z.string(),
  room: z.string(),
  start: z.iso.datetime({ offset: true }),
  notice: z.enum(['24h', '1h']),
  notes: z.string().optional(),
})

/** The subject of a reminder, and its time before the appointment. */
export const reminder = defineMessage('appointment.reminder', payload)

export interface Reminder {
  /** Identifies the reminder, so that a second copy is recognised. */
  id: string
  payload: z.infer<typeof payload>
  /** On the clinic's clock, in milliseconds since the epoch. */
  dueAt: number
}

const HOUR = 3_600_000
const NOTICES = [
  { notice: '24h', beforeMs: 24 * HOUR },
  { notice: '1h', beforeMs: HOUR },
] as const

/** The appointments after the moves, in the same order. */
export function moved(appointments: readonly Appointment[], moves: ReadonlyMap<string, string>): Appointment[] {
  return appointments.map((appointment) => ({ ...appointment, start: moves.get(appointment.id) ?? appointment.start }))
}

/** All reminders of a day, in the order of its appointments. */
export function remindersFor(appointments: readonly Appointment[]): Reminder[] {
  return appointments.flatMap(({ id, patient, practitioner, room, start, notes }) =>
    NOTICES.map(({ notice, beforeMs }) => ({
      id: `${id}/${notice}`,
      payload: { appointment: id, patient, practitioner, room, start, notice, ...(notes !== '' && { notes }) },
      dueAt: Date.parse(start) - beforeMs,
    })),
  )
}

export function firstDue(reminders: readonly Reminder[]): number {
  return Math.min(...reminders.map(({ dueAt }) => dueAt))
}
