// A clinic's day in half a minute: a process that schedules reminders, one that moves some, others that receive them, and the
// count at the end.
// demo.ts [--strategy NAME] [--speed N] [--workers N] [--lead SECONDS] [--dashboard]
// demo.ts --compare [--speed N] [--workers N] [--lead SECONDS]
import { parseArgs } from 'node:util'
import { compare } from './compare.js'
import { signal } from './interrupt.js'
import { oneDay } from './one-day.js'
import { defaultSpeed, positive } from './settings.js'
import { wayNamed } from './ways.js'

try {
  process.exitCode = (await demo()) ? 0 : 1
} catch (error) {
  console.error(signal.aborted ? '\nInterrupted.' : (error as Error).message)
  process.exitCode = signal.aborted ? 130 : 1
}

/** Whether every reminder arrived, and none early. */
function demo(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      strategy: { type: 'string' },
      compare: { type: 'boolean', default: false },
      speed: { type: 'string', default: defaultSpeed },
      workers: { type: 'string', default: '2' },
      lead: { type: 'string' },
      dashboard: { type: 'boolean', default: false },
    },
  })
  const [speed, workers] = [positive('speed', values.speed), positive('workers', values.workers)]
  const lead = values.lead === undefined ? undefined : positive('lead', values.lead)
  const way = wayNamed(values.strategy ?? 'ladder')
  if (values.compare) {
    if (values.strategy !== undefined) throw new Error('--compare: runs every strategy; leave out --strategy')
    if (values.dashboard) throw new Error('--compare: has no dashboard; leave out --dashboard')
    return compare({ speed: speed * 2, workers, lead })
  }
  if (values.dashboard && way !== 'ladder')
    throw new Error(`--dashboard: expected --strategy ladder with it, got '${way}'`)
  return oneDay({ way, speed, workers, lead, hasDashboard: values.dashboard })
}
