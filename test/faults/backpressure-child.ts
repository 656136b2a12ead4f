// backpressure-child.ts MODE URL QUEUE COUNT BODY_BYTES: a producer or a consumer of its own process, which prints as JSON
// how many bytes it held at most beyond those it started with. Run with --expose-gc: garbage does not count.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, onAny, type ScheduleItem } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

const [mode, url, queue, ...numbers] = process.argv.slice(2) as [string, string, string, ...string[]]
const [count, bodyBytes] = numbers.map(Number) as [number, number]

function live(): number {
  ;(globalThis as unknown as { gc: () => void }).gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function* items(): Generator<ScheduleItem> {
  for (let n = 0; n < count; n++) {
    const payload = { n, text: String(n).padEnd(bodyBytes, '-') }
    yield { message: note, payload, options: { to: { queue }, in: '1d' } }
  }
}

const mq = await connect({ url, publishTimeoutMs: 120_000 })
const base = live()
let peak = base
const timer = setInterval(() => (peak = Math.max(peak, live())), 200)
let done = 0
if (mode === 'schedule') {
  for await (const { error } of mq.scheduleAll(items())) {
    if (error) throw error
    done++
  }
} else {
  const handler = onAny(async () => {
    await sleep(10)
    done++
  })
  await mq.consume(queue, [handler], { prefetch: 100, concurrency: 10 })
  while (done < count) await sleep(50)
}
clearInterval(timer)
process.stdout.write(JSON.stringify({ done, heldBytes: peak - base }))
await mq.close()
