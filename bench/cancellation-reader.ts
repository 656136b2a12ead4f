// The consuming process of the scenario `cancellations`: cancellation-reader.ts URL, started by cancellation-readers.ts.
// It is asked to start a consumer, and then to tell when it knew of how many cancellations.
import { connect, on, type Dueque } from 'dueque'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { poll } from '../scripts/broker/poll.js'
import { sample } from './load.js'

export type Ask =
  { do: 'start'; namespace: string; expected: number } | { do: 'watch' } | { do: 'tell' } | { do: 'end' }

/** What the start of a consumer took. */
export interface Start {
  /** Until `consume` resolved, after 30 s at the latest. */
  seconds: number
  /** Until it knew of every cancellation. */
  allSeconds: number
  /** Of the process, with a consumer in a namespace without cancellations. Bytes, as is the next. */
  idleRss: number
  /** Between then and one second after the last cancellation was read. */
  peakRss: number
  /** The longest time for which the event loop stood still. */
  pauseMs: number
}

/** By the number of cancellations that were known, when that was: milliseconds since the epoch. */
export type Seen = [records: number, at: number][]

export type Answer = { is: 'ready' } | ({ is: 'started' } & Start) | { is: 'watching' } | { is: 'seen'; seen: Seen }

const SAMPLE_MS = 10
const WATCH_MS = 1

// The parent is gone.
process.once('disconnect', () => process.exit())

const url = process.argv[2]!
const open: Dueque[] = []
let last: Dueque
let watching: ReturnType<typeof setInterval> | undefined
const seen: Seen = []

async function consuming(namespace: string): Promise<Dueque> {
  const mq = await connect({ url, namespace })
  open.push(mq)
  await mq.consume(`${namespace}.work`, [on(sample, () => undefined)])
  return mq
}

async function start(namespace: string, expected: number): Promise<Start> {
  ;(globalThis as { gc?: () => void }).gc?.()
  const idleRss = process.memoryUsage.rss()
  let peakRss = idleRss
  const sampler = setInterval(() => (peakRss = Math.max(peakRss, process.memoryUsage.rss())), SAMPLE_MS)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const before = performance.now()
  last = await consuming(namespace)
  const seconds = (performance.now() - before) / 1000
  await poll(() => known() === expected, { what: `${expected} cancellations`, timeoutMs: 600_000, intervalMs: 20 })
  const allSeconds = (performance.now() - before) / 1000
  await sleep(1000)
  clearInterval(sampler)
  return { seconds, allSeconds, idleRss, peakRss, pauseMs: delay.max / 1e6 }
}

function known(): number {
  return last.health().cancellations?.records ?? 0
}

function watch(): void {
  let before = known()
  watching = setInterval(() => {
    const now = known()
    if (now === before) return
    seen.push([now, performance.timeOrigin + performance.now()])
    before = now
  }, WATCH_MS)
}

async function answer(ask: Ask): Promise<void> {
  switch (ask.do) {
    case 'start':
      return tell({ is: 'started', ...(await start(ask.namespace, ask.expected)) })
    case 'watch':
      watch()
      return tell({ is: 'watching' })
    case 'tell':
      return tell({ is: 'seen', seen })
    case 'end':
      clearInterval(watching)
      await Promise.all(open.map((mq) => mq.close()))
      process.disconnect()
  }
}

function tell(told: Answer): void {
  process.send?.(told)
}

await consuming('idle')
process.on('message', (ask: Ask) => void answer(ask))
tell({ is: 'ready' })
