import { ladder, type LadderStrategy } from 'dueque'

export const url = process.env['AMQP_URL'] ?? 'amqp://localhost'
/** Separates the waiting messages of this example from other users of dueque on this broker. */
export const namespace = 'dueque-demo'
export const defaultQueue = 'appointment-reminders'
/** Two hours per second. */
export const defaultSpeed = '7200'

/** A number from the command line. */
export function positive(option: string, text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new Error(`--${option}: expected a number above zero, got '${text}'`)
}

/** With a journal of the waiting messages if there is a dashboard to show them. */
export const strategy = (): LadderStrategy => (process.env['DEMO_JOURNAL'] ? ladder({ journal: true }) : ladder())
