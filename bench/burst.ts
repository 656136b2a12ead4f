import { connect } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { connectRaw, type Broker } from './broker.js'
import { BODY_BYTES, payloadItems, payloadOf, sample, scheduleEvery } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { startReceiver, type Receiver } from './receiving.js'
import type { Result } from './report.js'
import { strategyOf } from './strategy.js'

const QUEUE = 'bench.burst'

/** How fast messages that are due at one instant are handed over, with and without a waiting consumer. */
export async function burst(broker: Broker, options: Options): Promise<Result> {
  const { count = 20_000, dueIn = 75, prefetch = 1000, patience = 30, receiver: kind } = options
  const to = { queue: QUEUE }
  const { strategy, settings, close } = await strategyOf(options)
  const mq = await connect({ url: broker.url, strategy })
  await mq.schedule(sample, payloadOf(-1), { to, in: 0, declare: true })
  const receiver = kind === 'none' ? undefined : await startReceiver({ kind, url: broker.url, queue: QUEUE, prefetch })

  const at = new Date(Date.now() + dueIn * 1000)
  await scheduleEvery(
    mq,
    payloadItems(count, () => ({ to, at })),
  )
  const leftSeconds = (at.getTime() - Date.now()) / 1000
  if (leftSeconds < 0) throw new Error(`scheduling ended ${-leftSeconds} s after the due time: take a larger --due-in`)
  say(`  all wait, due in ${Math.round(leftSeconds)} s`)
  const cpu = await cpuFrom(at)
  const { row, details } = receiver
    ? await received(receiver, { count, at, patience })
    : await filled(broker, { count: count + 1, at, patience })
  const cpuMicros = cpu()
  await mq.close()
  await close()
  return {
    settings: { count, bodyBytes: BODY_BYTES, dueIn, receiver: kind, prefetch, ...settings },
    rows: [{ messages: count, ...row, 'producer CPU µs/msg': cpuMicros / count }],
    notes: [
      `scheduled ${leftSeconds.toFixed(1)} s before the due time` +
        (leftSeconds >= 60 ? ', so that one rung let them all go' : ': on the ladder, they left several rungs'),
    ],
    details: { leftSeconds, ...details },
  }
}

interface Expected {
  count: number
  at: Date
  patience: number
}

/** The CPU time of this process from the due time on: with a store, its relay does the work. */
async function cpuFrom(at: Date): Promise<() => number> {
  await sleep(Math.max(at.getTime() - Date.now(), 0))
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
}

async function received(receiver: Receiver, { count, at, patience }: Expected) {
  await receiver.until(count, patience * 1000, at.getTime())
  const final = await receiver.finish()
  const { unique, copies, early, stats, firstAt, lastAt } = final
  const { p50, p90, max } = spreadOf(final.lateness)
  const row = {
    'drained/s': (unique / (lastAt - at.getTime())) * 1000,
    early,
    lost: count - unique,
    copies: copies - unique + (stats?.suppressed ?? 0),
    'first ms': firstAt - at.getTime(),
    'p50 ms': p50,
    'p90 ms': p90,
    'last ms': max,
    'receiver CPU µs/msg': final.cpuMicros,
  }
  return { row, details: { receiver: { ...final, lateness: undefined, numbers: undefined } } }
}

/** Watches how the queue fills. */
async function filled(broker: Broker, { count, at, patience }: Expected) {
  const model = await connectRaw(broker)
  const channel = await model.createChannel()
  const depths: [ms: number, depth: number][] = []
  let depth = 0
  while (depth < count && Date.now() < at.getTime() + patience * 1000) {
    depth = (await channel.checkQueue(QUEUE)).messageCount
    depths.push([Date.now() - at.getTime(), depth])
    await sleep(10)
  }
  await model.close()
  const row = {
    'drained/s': ((depth - 1) / depths.at(-1)![0]) * 1000,
    lost: count - depth,
    'last ms': depths.at(-1)![0],
  }
  return { row, details: { depths } }
}
