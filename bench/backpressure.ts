import { connect, ladder, onAny, type Dueque } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { TcpProxy } from '../scripts/broker/tcp-proxy.js'
import type { Broker } from './broker.js'
import { BODY_BYTES, payloadItems, payloadOf, sample, scheduleEvery } from './load.js'
import { MIB } from './numbers.js'
import type { Options } from './options.js'
import type { Result, Row } from './report.js'

const QUEUE = 'bench.backpressure'
const SAMPLE_MS = 1000
const CALLERS = 1000
const HANDLER_MS = 10

/** Memory of a producer behind a slow network, and of a slow consumer of a long queue: live bytes, without garbage. */
export async function backpressure(broker: Broker, options: Options): Promise<Result> {
  const { count = 1_000_000, kibPerSecond = 4096, seconds = 60, prefetch = 100, inFlight = 2000, queueType } = options
  const proxy = await TcpProxy.to(broker.url)
  const settings = { maxInFlight: inFlight, strategy: ladder({ queueType }), publishTimeoutMs: 600_000 }
  const mq = await connect({ url: proxy.url(), ...settings })
  const to = { queue: QUEUE }
  const first = payloadItems(1000, () => ({ to, in: '30d', declare: true }))
  await scheduleEvery(mq, first)
  proxy.bytesPerSecond = kibPerSecond * 1024
  const rows = [
    await watched('scheduleAll', () =>
      scheduleEvery(
        mq,
        payloadItems(count, () => ({ to, in: '30d' })),
      ),
    ),
    await watched(`schedule, ${CALLERS} callers that await`, () => scheduleBy(mq, count)),
  ]
  await mq.close()
  proxy.close()
  rows.push(await consumed(broker, { prefetch, seconds, queueType }))
  return { settings: { count, bodyBytes: BODY_BYTES, kibPerSecond, inFlight, prefetch, seconds, queueType }, rows }
}

/** Due at once, so that the queue is long. */
async function scheduleBy(mq: Dueque, count: number): Promise<void> {
  let next = 0
  const caller = async () => {
    while (next < count) await mq.schedule(sample, payloadOf(next++), { to: { queue: QUEUE }, in: 0 })
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
}

async function consumed(
  broker: Broker,
  { prefetch, seconds, queueType }: { prefetch: number; seconds: number; queueType: Options['queueType'] },
): Promise<Row> {
  const mq = await connect({ url: broker.url, strategy: ladder({ queueType }) })
  const row = await watched(`a consumer, ${HANDLER_MS} ms a message, prefetch ${prefetch}`, async () => {
    await mq.consume(QUEUE, [onAny(() => sleep(HANDLER_MS))], { prefetch, concurrency: 10 })
    await sleep(seconds * 1000)
  })
  await mq.close()
  return row
}

async function watched(what: string, work: () => Promise<void>): Promise<Row> {
  say(`  ${what} …`)
  const start = performance.now()
  const samples = [live()]
  const timer = setInterval(() => samples.push(live()), SAMPLE_MS)
  await work()
  clearInterval(timer)
  const quarter = Math.ceil(samples.length / 4)
  const most = (some: readonly number[]) => Math.max(...some) / MIB
  return {
    what,
    seconds: Math.round((performance.now() - start) / 1000),
    'at the start MiB': samples[0]! / MIB,
    'most in the first quarter MiB': most(samples.slice(0, quarter)),
    'most in the last quarter MiB': most(samples.slice(-quarter)),
  }
}

/** Bytes of this process's heap and buffers, after a garbage collection. */
function live(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
