// A producing process. SIGTERM closes it gracefully, with its schedules in flight.
import { setTimeout as sleep } from 'node:timers/promises'
import { pace } from '../pace.js'
import { Changes } from './changes.js'
import { courseOf } from './course.js'
import { begin, end, tellReady } from './process.js'
import { Schedules } from './schedules.js'
import { closeAll } from './ways.js'

const { request, ledger, ways, dueIn, ending } = await begin()
const { seed, kinds, from, step, rate } = request
const schedules = new Schedules({ ledger, ways, dueIn, ending })
const changes = new Changes({ ledger, ways, dueIn, ending })
const changing = new Set<Promise<void>>()
tellReady()
const closing = new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve(closeAll(ways))))
const { failures } = await pace({ rate, count: Infinity, stopAtFailure: true, signal: ending }, (sent) =>
  run(from + sent * step),
)
if (failures[0]) throw failures[0].error
await closing
await Promise.all(changing)
end()

/** Resolves when the schedule is confirmed, refused, or its outcome stays unknown. */
async function run(n: number): Promise<void> {
  const course = courseOf(seed, n, kinds)
  const receipt = await schedules.schedule(n, course)
  const { change } = course
  if (!receipt || !change) return
  const isTime = sleep(change.afterMs, true, { signal: ending }).catch(() => false)
  const changed: Promise<void> = isTime
    .then((is) => (is ? changes.make(n, course, receipt) : undefined))
    .finally(() => changing.delete(changed))
  changing.add(changed)
}
