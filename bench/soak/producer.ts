// A producing process. SIGTERM closes it gracefully, with its schedules in flight.
import { isDuequeError, type Receipt } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { pace } from '../pace.js'
import { courseOf } from './course.js'
import { begin, end, soaked, tellReady } from './process.js'

const PAUSE_MS = 200

const { request, ledger, mq, ending } = await begin()
const { seed, from, step, rate } = request
tellReady()
const closing = new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve(mq.close())))
const { failures } = await pace({ rate, count: Infinity, stopAtFailure: true, signal: ending }, (sent) =>
  schedule(from + sent * step),
)
if (failures[0]) throw failures[0].error
await closing
ledger.close()
end()

/** Resolves when the schedule is confirmed, refused, or its outcome stays unknown. */
async function schedule(n: number): Promise<void> {
  const { to, delayMs, expiresInMs: expiresIn } = courseOf(seed, n)
  const at = new Date(Date.now() + delayMs)
  ledger.write({ is: 'try', n, due: at.getTime() })
  for (let repeat: Receipt | undefined; ;) {
    try {
      await mq.schedule(soaked, { n }, { to, at, id: `soak-${n}`, expiresIn, repeat })
      return ledger.write({ is: 'confirmed', n })
    } catch (error) {
      if (!isDuequeError(error)) throw error
      const { code, receipt } = error
      // If a repeat is refused, the outcome of the first stays unknown.
      if (!repeat) ledger.write({ is: error.outcome, n, code })
      repeat ??= receipt
      if (!repeat || ending.aborted) return
    }
    await sleep(PAUSE_MS)
  }
}
