import { connect, ladder, type Dueque } from 'dueque'
import type { Broker } from './broker.js'
import { items, payloadOf, scheduleEvery } from './load.js'
import type { Options } from './options.js'
import { inPairs, latenessRows, p99Of, ratePairs, rateRows, warmUpAll, type Sides } from './pairs.js'
import type { Result } from './report.js'

const QUEUE = 'bench.journal'
const HOUR_MS = 3_600_000

/** The cost of a journal for producers, and for the lateness of messages: the same with it and without, in turns. */
export async function journal(broker: Broker, options: Options): Promise<Result> {
  const { count = 30_000, rounds = 10, rate = 2000, seconds = 20, prefetch = 1000 } = options
  const { url } = broker
  const strategy = ladder({ journal: true })
  const sides: Sides = [
    { namespace: 'plain', mq: await connect({ url, namespace: 'plain', strategy: ladder() }) },
    { namespace: 'journalled', mq: await connect({ url, namespace: 'journalled', strategy }) },
  ]
  await warmUpAll(sides, QUEUE)
  const payloads = Array.from({ length: count }, (_, n) => payloadOf(n))
  const hour = () => ({ to: { queue: QUEUE }, in: HOUR_MS, declare: true })
  const schedule = (mq: Dueque) => scheduleEvery(mq, items(payloads, hour))
  const rates = await ratePairs(broker, sides, { count, pairs: rounds }, schedule)
  const late = await inPairs(sides, Math.max(1, Math.ceil(rounds / 3)), (side) =>
    p99Of(broker, side, { queue: QUEUE, rate, seconds, prefetch }),
  )
  await Promise.all(sides.map(({ mq }) => mq.close()))
  return {
    settings: { count, rounds, rate, seconds, delay: '1 h', 'delays of the lateness': '1–10 s' },
    rows: [...rateRows('', rates), ...latenessRows(late, '1')],
    notes: ['medians of pairs, in turns; with / without: the median of the quotients of the pairs'],
    details: { rates, late },
  }
}
