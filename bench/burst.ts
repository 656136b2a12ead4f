import { connect, ladder } from 'dueque'
import { say } from '../scripts/broker/say.js'
import type { Broker } from './broker.js'
import { BODY_BYTES, payloadItems, payloadOf, sample, scheduleEvery } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { startReceiver } from './receiving.js'
import type { Result } from './report.js'

const QUEUE = 'bench.burst'

/** How fast messages that are all due at one instant leave the broker, with a consumer waiting for them. */
export async function burst(broker: Broker, options: Options): Promise<Result> {
  const { count = 20_000, dueIn = 75, prefetch = 1000, patience = 30, receiver: kind, queueType, shards } = options
  const to = { queue: QUEUE }
  const mq = await connect({ url: broker.url, strategy: ladder({ queueType, shards }) })
  await mq.schedule(sample, payloadOf(-1), { to, in: 0, declare: true })
  const receiver = await startReceiver({ kind, url: broker.url, queue: QUEUE, prefetch })

  const at = new Date(Date.now() + dueIn * 1000)
  await scheduleEvery(
    mq,
    payloadItems(count, () => ({ to, at })),
  )
  const leftSeconds = (at.getTime() - Date.now()) / 1000
  if (leftSeconds < 0) throw new Error(`scheduling ended ${-leftSeconds} s after the due time: take a larger --due-in`)
  say(`  all wait, due in ${Math.round(leftSeconds)} s`)
  await receiver.until(count, patience * 1000, at.getTime())
  const final = await receiver.finish()
  await mq.close()

  const { unique, copies, early, stats, firstAt, lastAt } = final
  const { p50, p90, max } = spreadOf(final.lateness)
  return {
    settings: { count, bodyBytes: BODY_BYTES, dueIn, receiver: kind, prefetch, queueType, shards },
    rows: [
      {
        messages: count,
        'drained/s': (unique / (lastAt - at.getTime())) * 1000,
        early,
        lost: count - unique,
        copies: copies - unique + (stats?.suppressed ?? 0),
        'first ms': firstAt - at.getTime(),
        'p50 ms': p50,
        'p90 ms': p90,
        'last ms': max,
        'receiver CPU µs/msg': final.cpuMicros,
      },
    ],
    notes: [
      `scheduled ${leftSeconds.toFixed(1)} s before the due time` +
        (leftSeconds >= 60 ? ', so that one rung let them all go' : ': they left several rungs'),
    ],
    details: { leftSeconds, receiver: { ...final, lateness: undefined, numbers: undefined } },
  }
}
