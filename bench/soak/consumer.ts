// A consuming process, which also runs relays and tickers. SIGTERM closes it gracefully.
import { on, type Delivery } from 'dueque'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expectationOf, courseOf, keyOf, POSTPONED_MS, RETRY } from './course.js'
import { startGated } from './gated.js'
import { begin, end, soaked, tellReady } from './process.js'
import { workQueuesOf } from './queues.js'
import { closeAll, dedupeOf } from './ways.js'

const PREFETCH = 200
const CONCURRENCY = 50
/** More than the messages of a run, so that no second call comes from a forgotten key. */
const DUPLICATES = { windowMs: 7 * 86_400_000, maxEntries: 10_000_000 }

/** Longer than a busy machine lets a process stand still. */
const LEASE_MS = 30_000

const all = await begin()
const { request, ledger, ways, ending } = all
const { seed, kinds } = request
const expected = expectationOf(seed, kinds)
const ended = ending.aborted ? undefined : once(ending, 'abort')
const consuming = kinds.flatMap((kind) =>
  workQueuesOf(kind, kinds).map(({ queue, batches, dedupe }) =>
    ways[kind]!.consume(queue, [on(soaked, handle)], {
      prefetch: PREFETCH,
      concurrency: CONCURRENCY,
      retry: RETRY,
      duplicates: DUPLICATES,
      batches,
      dedupe: dedupe && { store: dedupeOf(ways[dedupe]!), leaseMs: LEASE_MS },
    }),
  ),
)
const [closeGated] = await Promise.all([startGated(all, handlerMsOf), ...consuming])
tellReady()
await ended
await Promise.all([closeAll(ways), closeGated()])
end()

async function handle(delivery: Delivery<{ k: number }>): Promise<void> {
  const { id, payload, attempt, dueAt, retry, deadLetter } = delivery
  const [key, { k }] = [keyOf(id), payload]
  ledger.write({ is: 'start', key, k, attempt, due: dueAt.getTime() })
  await sleep(handlerMsOf(key))
  const step = expected(key).steps[attempt - 1] ?? 'return'
  ledger.write({ is: 'end', key, k, attempt, step })
  if (step === 'throw') throw new Error('as planned')
  if (step === 'retry') return retry({ in: POSTPONED_MS })
  if (step === 'dead-letter') return deadLetter('as planned')
}

function handlerMsOf(key: string): number {
  const n = Number(key)
  return Number.isInteger(n) ? courseOf(seed, n, kinds).handlerMs : 0
}
