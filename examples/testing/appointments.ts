// The code under test: it reminds patients of an appointment a day before.
import { defineMessage, on, type Dueque, type Receipt } from 'dueque'
import { z } from 'zod'

export const reminder = defineMessage('appointment.reminder', z.object({ patient: z.string(), room: z.string() }))
export const queue = 'reminders'

export interface Appointment {
  id: string
  patient: string
  room: string
  at: Date
}

const DAY_MS = 24 * 60 * 60 * 1000

export function bookAppointment(mq: Dueque, { id, patient, room, at }: Appointment): Promise<Receipt> {
  const dayBefore = new Date(at.getTime() - DAY_MS)
  return mq.schedule(reminder, { patient, room }, { to: { queue }, at: dayBefore, id: `${id}/24h` })
}

/** @param send gets a text to a patient's phone */
export async function startReminding(
  mq: Dueque,
  send: (patient: string, text: string) => Promise<void>,
): Promise<void> {
  const remind = on(reminder, ({ payload: { patient, room } }) => send(patient, `Tomorrow, in room ${room}`))
  await mq.consume(queue, [remind], { retry: { attempts: 3, backoff: ['1m', '1h'] } })
}
