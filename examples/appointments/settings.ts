export const url = process.env['AMQP_URL'] ?? 'amqp://localhost'
/** Separates the waiting messages of this example from other users of dueque on this broker. */
export const namespace = process.env['DEMO_NAMESPACE'] ?? 'dueque-demo'
/** The prefix of the keys in Redis, and the schema in PostgreSQL. */
export const storeName = process.env['DEMO_STORE'] ?? 'dueque_demo'
export const defaultQueue = 'appointment-reminders'
/** Two hours per second. */
export const defaultSpeed = '7200'
/** Reminders that wait on each way when the servers are killed. */
export const heldCount = 50

/** A number from the command line. */
export function positive(option: string, text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new Error(`--${option}: expected a number above zero, got '${text}'`)
}
