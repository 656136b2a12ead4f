// A consuming process. SIGTERM closes it gracefully.
import { on, type Delivery } from 'dueque'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { courseOf, POSTPONED_MS, QUEUES, RETRY } from './course.js'
import { begin, end, soaked, tellReady } from './process.js'

const PREFETCH = 200
const CONCURRENCY = 50
/** More than the messages of a run, so that no second call comes from a forgotten key. */
const DUPLICATES = { windowMs: 7 * 86_400_000, maxEntries: 10_000_000 }

const { request, ledger, mq, ending } = await begin()
const ended = ending.aborted ? undefined : once(ending, 'abort')
for (const queue of QUEUES) {
  await mq.consume(queue, [on(soaked, handle)], {
    prefetch: PREFETCH,
    concurrency: CONCURRENCY,
    retry: RETRY,
    duplicates: DUPLICATES,
  })
}
tellReady()
await ended
await mq.close()
ledger.close()
end()

async function handle(delivery: Delivery<{ n: number }>): Promise<void> {
  const { payload, attempt, dueAt, retry, deadLetter } = delivery
  const { n } = payload
  ledger.write({ is: 'start', n, attempt, due: dueAt.getTime() })
  const { steps, handlerMs } = courseOf(request.seed, n)
  await sleep(handlerMs)
  const step = steps[attempt - 1] ?? 'return'
  ledger.write({ is: 'end', n, attempt, step })
  if (step === 'throw') throw new Error('as planned')
  if (step === 'retry') return retry({ in: POSTPONED_MS })
  if (step === 'dead-letter') return deadLetter('as planned')
}
