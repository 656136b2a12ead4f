import { connect, type Dueque } from 'dueque'
import type { Broker } from './broker.js'
import { items, payloadOf, scheduleEvery } from './load.js'
import type { Options } from './options.js'
import { median } from './numbers.js'
import { inPairs, latenessRows, p99Of, ratePairs, rateRows, row, warmUpAll, type Side, type Sides } from './pairs.js'
import { scheduleEach } from './rate-kinds.js'
import type { Result } from './report.js'
import { startSdk } from './telemetry-sdk.js'

const QUEUE = 'bench.telemetry'
const HOUR_MS = 3_600_000

/**
 * The cost of traces and metrics by dueque/otel for producers, and for the lateness of messages: with and without, in turns. The
 * spans of a bare SDK show how much of the lateness is not dueque's.
 */
export async function telemetry(broker: Broker, options: Options): Promise<Result> {
  const { count = 30_000, rounds = 10, rate = 2000, seconds = 20, prefetch = 1000, inFlight = 2000 } = options
  const { url } = broker
  const traced = await connect({ url, namespace: 'traced', telemetry: startSdk('dueque'), maxInFlight: inFlight })
  const plain = await connect({ url, namespace: 'plain', maxInFlight: inFlight })
  const sides: Sides = [
    { namespace: 'plain', mq: plain },
    { namespace: 'traced', mq: traced, receiver: { telemetry: 'dueque' } },
  ]
  const spans = await connect({ url, namespace: 'bare', telemetry: startSdk('bare'), maxInFlight: inFlight })
  const bare: Side = { namespace: 'bare', mq: spans, receiver: { telemetry: 'bare' } }
  const every = [...sides, bare] as const
  await warmUpAll(every, QUEUE)
  const payloads = Array.from({ length: count }, (_, n) => payloadOf(n))
  const hour = () => ({ to: { queue: QUEUE }, in: HOUR_MS, declare: true })
  const each = (mq: Dueque) => scheduleEach(mq, payloads, hour, inFlight)
  const all = (mq: Dueque) => scheduleEvery(mq, items(payloads, hour))
  const [single, bulk] = [
    await ratePairs(broker, sides, { count, pairs: rounds }, each),
    await ratePairs(broker, sides, { count, pairs: rounds }, all),
  ]
  const late = await inPairs(every, Math.max(1, Math.ceil(rounds / 3)), (side) =>
    p99Of(broker, side, { queue: QUEUE, rate, seconds, prefetch }),
  )
  await Promise.all(every.map(({ mq }) => mq.close()))
  return {
    settings: { count, rounds, rate, seconds, inFlight, delay: '1 h', 'delays of the lateness': '1–10 s' },
    rows: [
      ...rateRows('schedule', single),
      ...rateRows('scheduleAll', bulk),
      ...latenessRows([late[0], late[1]], '2'),
      row('p99 lateness with spans of the bare SDK', median(late[2]), 'ms'),
    ],
    notes: ['medians of pairs, in turns; with / without: the median of the quotients of the pairs'],
    details: { single, bulk, late },
  }
}
