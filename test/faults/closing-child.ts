// closing-child.ts MODE URL QUEUE DRAIN_MS: a process that consumes and schedules, and closes when its input ends. Prints
// `ready` and `under way`, and at the end as JSON how long its close took and what became of its schedules.
import { once } from 'node:events'
import { connect, isDuequeError, on } from '../../src/index.js'
import { poll } from '../../scripts/broker/poll.js'
import { note } from '../strategies/recorder.js'

const [mode, url, queue, drainTimeoutMs] = process.argv.slice(2) as [string, string, string, string]
const heartbeatSeconds = mode === 'reconnect' ? 1 : 30
const mq = await connect({ url, connectTimeoutMs: 60_000, heartbeatSeconds, logger: false })
const to = { queue }
let fail: (() => void) | undefined
const handler = on(note, () => {
  if (mode !== 'retry' && mode !== 'handler') return
  return new Promise((_, reject) => (fail = () => reject(new Error('no'))))
})
let handled = false
mq.on('handled', () => (handled = true))
await mq.consume(queue, [handler], { retry: { attempts: 5, backoff: '1s' } })
await mq.schedule(note, { n: 0 }, { to, in: 0 })
await poll(() => handled || fail, { timeoutMs: 30_000, what: 'a handler that runs' })
process.stdout.write('ready\n')

await once(process.stdin, 'data')
const outcomes: string[] = []
if (mode === 'schedules')
  for (let n = 1; n <= 100; n++)
    mq.schedule(note, { n }, { to, in: 0 }).then(
      () => outcomes.push('confirmed'),
      (error: unknown) => outcomes.push(isDuequeError(error) ? `${error.code} ${error.outcome}` : String(error)),
    )
if (mode === 'retry') fail?.()
if (mode === 'reconnect')
  await poll(() => mq.health().producer === 'down', { timeoutMs: 30_000, what: 'the silence to be noticed' })
process.stdout.write('under way\n')

process.stdin.resume()
await once(process.stdin, 'end')
const start = performance.now()
await mq.close({ drainTimeoutMs: Number(drainTimeoutMs) })
const closeMs = Math.round(performance.now() - start)
await new Promise(setImmediate)
process.stdout.write(`${JSON.stringify({ closeMs, outcomes: [...new Set(outcomes)], settled: outcomes.length })}\n`)
