import { join } from 'node:path'
import { connect as connectRaw } from 'amqplib'
import { connect, ladder, on, type LadderStrategy } from '../../src/index.js'
import { readAppointments } from '../../examples/appointments/csv.js'
import { reminder, remindersFor } from '../../examples/appointments/reminder.js'

const CSV = join(import.meta.dirname, '../../examples/appointments/appointments.csv')
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]
const RUNG_STEPS = [5 * MINUTE, 15 * MINUTE, HOUR, DAY]
const queue = 'reminders'
/** An exchange to which nothing is bound. */
const exchange = 'newsletter'

/**
 * What an operator may find: the reminders of the example's clinic wait, one of them could not be handled, one has
 * nowhere to go, and one is for an exchange that routes nowhere.
 */
export async function setScene(url: string, strategy: LadderStrategy = ladder()) {
  const mq = await connect({ url, name: 'clinic', strategy })
  await mq.consume(queue, [
    on(reminder, ({ payload }) => {
      throw new Error(`no telephone number of ${payload.patient}`)
    }),
  ])
  const { appointments } = await readAppointments(CSV)
  const reminders = remindersFor(appointments)
  const first = Math.min(...reminders.map(({ dueAt }) => dueAt))
  // In a day or two from now, rounded to a usual time.
  const items = reminders.map(({ id, payload, dueAt }, i) => {
    const step = RUNG_STEPS[i % RUNG_STEPS.length]!
    const delay = Math.max(step, Math.round((dueAt - first + DAY) / step) * step)
    return { message: reminder, payload, options: { id, to: { queue }, in: delay } }
  })
  for await (const { error } of mq.scheduleAll(items)) if (error) throw error
  const { payload } = reminders[0]!
  await mq.schedule(reminder, payload, { to: { queue }, in: 0, id: 'A-4380/24h' })

  const model = await connectRaw(url)
  const channel = await model.createConfirmChannel()
  await channel.assertExchange(exchange, 'direct')
  await channel.assertQueue('recalls', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  // The first schedule to a new queue resolves after 2 s.
  await mq.schedule(reminder, payload, { to: { queue: 'recalls' }, in: 6000, id: 'A-4404/1h' })
  await channel.deleteQueue('recalls')
  for (const n of [1, 2, 3]) {
    await mq.schedule(reminder, payload, { to: { exchange, routingKey: 'winter' }, in: 0, id: `winter/${n}` })
  }
  await model.close()
  return mq
}
