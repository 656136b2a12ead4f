export const url = process.env['AMQP_URL'] ?? 'amqp://localhost'
/** Keeps what waits here apart from everything else that uses dueque on this broker. */
export const namespace = 'dueque-demo'
export const defaultQueue = 'appointment-reminders'
/** Two hours in a second. */
export const defaultSpeed = '7200'

/** A number from the command line. */
export function positive(option: string, text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new Error(`--${option}: expected a number above zero, got '${text}'`)
}
