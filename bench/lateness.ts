import { connect, type Dueque, type LadderStrategy } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import type { Broker } from './broker.js'
import {
  BODY_BYTES,
  payloadItems,
  payloadOf,
  randomDelayMs,
  sample,
  scheduleEvery,
  scheduleInBatches,
  steadyItems,
  warmUp,
} from './load.js'
import { spreadOf, timed } from './numbers.js'
import type { Options } from './options.js'
import { pace, type Paced } from './pace.js'
import { startReceiver } from './receiving.js'
import type { Result } from './report.js'
import { strategyOf } from './strategy.js'

const QUEUE = 'bench.lateness'
export const LONGEST_DELAY_MS = 10_000

/** Lateness of messages that are scheduled at a steady rate or at full speed, with random delays of 1 to 10 seconds or one delay. */
export async function lateness(broker: Broker, options: Options): Promise<Result> {
  const { prefetch = 1000, patience = 30, receiver: kind, semiSpace = 64, realtime, by, delay, inFlight } = options
  if (kind === 'none') throw new Error('lateness needs a receiver')
  const load = loadOf(options)
  const { count, delayMs, longestMs } = load
  const to = { queue: QUEUE }
  const { strategy, settings, close } = await strategyOf(options)
  const mq = await connect({ url: broker.url, strategy, maxInFlight: inFlight })
  await warmUp(mq, to, 5_000, delayMs)
  await sleep(longestMs)
  const request = { kind, url: broker.url, queue: QUEUE, prefetch, batches: by === 'batches' }
  const nodeOptions = [`--max-semi-space-size=${semiSpace}`]
  const receiver = await startReceiver(request, { nodeOptions, realtime })
  const paced = await scheduleBy(mq, to, load)
  await receiver.until(count, patience * 1000, Date.now() + longestMs)
  const final = await receiver.finish()
  await mq.close()
  await close()

  const { unique, copies, early, lateness: values, stats } = final
  return {
    settings: {
      by,
      inFlight,
      ...(load.rate === undefined ? { rate: 'full speed' } : { rate: load.rate, seconds: load.seconds }),
      bodyBytes: BODY_BYTES,
      delays: delay === undefined ? '1–10 s' : `${delay} ms`,
      receiver: kind,
      prefetch,
      'semi-space MiB': semiSpace,
      realtime,
      ...settings,
    },
    rows: [
      {
        messages: count,
        'msgs/s': count / paced.seconds,
        early,
        lost: count - unique,
        copies: copies - unique + (stats?.suppressed ?? 0),
        'p50 ms': spreadOf(values).p50,
        p90: spreadOf(values).p90,
        p99: spreadOf(values).p99,
        'p99.9': spreadOf(values)['p99.9'],
        max: spreadOf(values).max,
      },
    ],
    details: {
      scheduling: { seconds: paced.seconds, confirmMs: spreadOf(paced.confirmMs) },
      receiver: { ...final, lateness: undefined, numbers: undefined },
    },
  }
}

interface Load {
  readonly by: Options['by']
  readonly count: number
  /** Undefined for full speed. */
  readonly rate: number | undefined
  readonly seconds: number
  readonly delayMs: () => number
  readonly longestMs: number
}

function loadOf({ by, fullSpeed, delay, count = 30_000, rate = 2000, seconds = 60 }: Options): Load {
  if (fullSpeed && by === 'schedule') throw new Error('--full-speed: only beside --by scheduleAll or --by batches')
  const delayMs = delay === undefined ? randomDelayMs : () => delay
  const delays = { delayMs, longestMs: delay ?? LONGEST_DELAY_MS }
  if (fullSpeed) return { by, count, rate: undefined, seconds: 0, ...delays }
  return { by, count: rate * seconds, rate, seconds, ...delays }
}

async function scheduleBy(mq: Dueque, to: { queue: string }, load: Load): Promise<Paced> {
  const { by, count, rate, seconds, delayMs } = load
  if (by === 'schedule') return scheduleSteadily(mq, to, { rate: rate!, seconds, delayMs })
  const optionsFor = () => ({ to, in: delayMs() })
  const source = rate === undefined ? payloadItems(count, optionsFor) : steadyItems(rate, count, optionsFor)
  const { seconds: took } = await timed(count, () =>
    by === 'batches' ? scheduleInBatches(mq as Dueque<LadderStrategy>, source) : scheduleEvery(mq, source),
  )
  if (rate !== undefined) sayIfSlow(count, took, seconds)
  return { seconds: took, confirmMs: [], failures: [] }
}

/** By `schedule`. @param delayMs @default random delays of up to {@link LONGEST_DELAY_MS} */
export async function scheduleSteadily(
  mq: Dueque,
  to: { queue: string },
  { rate, seconds, delayMs = randomDelayMs }: { rate: number; seconds: number; delayMs?: () => number },
): Promise<Paced> {
  const count = rate * seconds
  const paced = await pace({ rate, count, stopAtFailure: true }, (n) =>
    mq.schedule(sample, payloadOf(n), { to, in: delayMs() }),
  )
  if (paced.failures[0]) throw paced.failures[0].error
  sayIfSlow(count, paced.seconds, seconds)
  return paced
}

function sayIfSlow(count: number, took: number, seconds: number): void {
  if (took > seconds * 1.02) say(`  the rate was not reached: ${count} messages took ${took.toFixed(1)} s`)
}
