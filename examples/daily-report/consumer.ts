// Makes a report at 09:00 of each working day, Berlin time, until Ctrl-C. Any number of these processes may run.
import { connect, on } from 'dueque'
import { makeReport } from './make-report.js'
import { report, url } from './report.js'

const mq = await connect({ url })

await mq.consume(
  'reports',
  [
    on(report, async ({ payload, id, scheduledFor }) => {
      // `id` is daily-report@2030-07-01T07:00:00.000Z: a key that makes the report idempotent.
      await makeReport(payload.kind, scheduledFor, id)
    }),
  ],
  { retry: { attempts: 10 } },
)

const { changed } = await mq.recurring.set('daily-report', {
  message: report,
  payload: { kind: 'daily' },
  to: { queue: 'reports' },
  cron: '0 9 * * MON-FRI',
  tz: 'Europe/Berlin',
  catchUp: 'once',
  note: 'asked for by the finance team',
})
console.log(changed ? 'daily-report is set' : 'daily-report is set already')
process.on('SIGINT', () => void mq.close())
