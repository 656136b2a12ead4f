// The dashboard of the clinic, at an address of this computer, until it is stopped. Beside the day that the demo compresses, it
// schedules the same reminders in real time, so that there is something to look at afterwards.
// dashboard.ts [--queue NAME] [--port N]
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connect, ladder, on } from 'dueque'
import { dashboard } from 'dueque/dashboard'
import { readAppointments } from './csv.js'
import { reminder, remindersFor } from './reminder.js'
import { defaultQueue, namespace, url } from './settings.js'

const { values } = parseArgs({
  options: { queue: { type: 'string', default: defaultQueue }, port: { type: 'string', default: '0' } },
})
const tomorrow = `${values.queue}-tomorrow`
/** Another id for each run: what one leaves behind is not that of the next. */
const run = crypto.randomUUID().slice(0, 8)
const mq = await connect({ url, namespace, strategy: ladder({ journal: { index: true } }) })
mq.on('error', (error) => console.error(error.message))

const { appointments } = await readAppointments(join(import.meta.dirname, 'appointments.csv'))
const reminders = remindersFor(appointments)
const first = Math.min(...reminders.map(({ dueAt }) => dueAt))
// The first in five minutes, and all of them by the calendar of the clinic.
const items = reminders.map(({ id, payload, dueAt }) => ({
  message: reminder,
  payload,
  options: { id: `${run}/${id}`, to: { queue: tomorrow }, in: dueAt - first + 300_000 },
}))
await mq.consume(tomorrow, [
  on(reminder, ({ id, payload: { patient } }) => {
    if (id.startsWith('call/')) throw new Error(`no telephone number of ${patient}`)
  }),
])
const schedule = `opening-hours-${run}`
const { payload } = items[0]!
const to = { queue: tomorrow }
await mq.recurring.set(schedule, { message: reminder, payload, to, cron: '0 8 * * 1-5', tz: 'Europe/Berlin' })
for (const n of [1, 2, 3]) await mq.schedule(reminder, payload, { id: `call/${run}/${n}`, to, in: 0 })
await mq.scheduleAll(items)

const board = dashboard(mq, { access: 'all' }) // to everybody on this computer
const server = createServer(board.node)
server.listen(Number(values.port), '127.0.0.1', () => {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  console.log(address)
  process.send?.(address)
})

let stopping: Promise<void> | undefined
const stop = () => void (stopping ??= close())
for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.on(event, stop)

async function close(): Promise<void> {
  await board.close()
  server.close()
  server.closeAllConnections()
  // A broker of yours keeps nothing of it.
  await mq.recurring.remove(schedule)
  await mq.cancelAll(items.map(({ options }) => options.id))
  await mq.close()
  if (process.connected) process.disconnect()
}
