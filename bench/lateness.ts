import { connect, type Dueque } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import type { Broker } from './broker.js'
import { BODY_BYTES, payloadOf, randomDelayMs, sample, warmUp } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { pace, type Paced } from './pace.js'
import { startReceiver } from './receiving.js'
import type { Result } from './report.js'
import { strategyOf } from './strategy.js'

const QUEUE = 'bench.lateness'
export const LONGEST_DELAY_MS = 10_000

/** Lateness of messages that are scheduled at a steady rate, with random delays of 1 to 10 seconds. */
export async function lateness(broker: Broker, options: Options): Promise<Result> {
  const {
    rate = 2000,
    seconds = 60,
    prefetch = 1000,
    patience = 30,
    receiver: kind,
    semiSpace = 64,
    realtime,
  } = options
  if (kind === 'none') throw new Error('lateness needs a receiver')
  const count = rate * seconds
  const to = { queue: QUEUE }
  const { strategy, settings, close } = await strategyOf(options)
  const mq = await connect({ url: broker.url, strategy })
  await warmUp(mq, to, 5_000)
  await sleep(LONGEST_DELAY_MS)
  const request = { kind, url: broker.url, queue: QUEUE, prefetch }
  const nodeOptions = [`--max-semi-space-size=${semiSpace}`]
  const receiver = await startReceiver(request, { nodeOptions, realtime })
  const paced = await scheduleSteadily(mq, to, rate, seconds)
  await receiver.until(count, patience * 1000, Date.now() + LONGEST_DELAY_MS)
  const final = await receiver.finish()
  await mq.close()
  await close()

  const { unique, copies, early, lateness: values, stats } = final
  return {
    settings: {
      rate,
      seconds,
      bodyBytes: BODY_BYTES,
      delays: '1–10 s',
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

/** Random delays of up to {@link LONGEST_DELAY_MS}. */
export async function scheduleSteadily(
  mq: Dueque,
  to: { queue: string },
  rate: number,
  seconds: number,
): Promise<Paced> {
  const count = rate * seconds
  const paced = await pace({ rate, count, stopAtFailure: true }, (n) =>
    mq.schedule(sample, payloadOf(n), { to, in: randomDelayMs() }),
  )
  if (paced.failures[0]) throw paced.failures[0].error
  if (paced.seconds > seconds * 1.02)
    say(`  the rate was not reached: ${count} messages took ${paced.seconds.toFixed(1)} s`)
  return paced
}
