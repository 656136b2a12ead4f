import { connect, ladder } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { connectRaw, declareQuorum, drain, type Broker } from './broker.js'
import { bodyOf, BODY_BYTES, payloadOf, warmUp } from './load.js'
import { median, type Timed } from './numbers.js'
import type { Options } from './options.js'
import { kindsOf, RAW_QUEUE, TARGET, type World } from './rate-kinds.js'
import { openConfirmChannel } from './raw.js'
import type { Result, Row } from './report.js'

/** Pause between two rounds, for the housekeeping of the broker. */
const REST_MS = 1_000
const WARM_UP = 10_000

/** Throughput of schedules, next to plain publishes of the same bytes in the same minutes. */
export async function rate(broker: Broker, options: Options): Promise<Result> {
  const { count = 30_000, rounds = 3, inFlight = 2000, prefetch = 1000, queueType, shards } = options
  const model = await connectRaw(broker)
  const channel = await openConfirmChannel(model)
  await declareQuorum(channel, RAW_QUEUE)
  await declareQuorum(channel, `${TARGET}.batches`)
  const mq = await connect({ url: broker.url, maxInFlight: inFlight, strategy: ladder({ queueType, shards }) })
  await warmUp(mq, { queue: TARGET }, WARM_UP)
  await drain(channel, TARGET, WARM_UP)

  const payloads = Array.from({ length: count }, (_, n) => payloadOf(n))
  const bodies = payloads.map(({ n }) => bodyOf(n))
  const world: World = { broker, channel, mq, payloads, bodies, inFlight, prefetch, queueType, shards }
  const kinds = kindsOf(world).map((kind) => ({ ...kind, measured: [] as Timed[] }))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run, clear, measured } of kinds) {
      const one = await run()
      say(`  ${round === 0 ? 'warm-up' : `round ${round}`}: ${name}: ${Math.round(one.rate)}/s`)
      if (round > 0) measured.push(one)
      await clear()
      await sleep(REST_MS)
    }
  }
  await mq.close()
  await model.close()
  return {
    settings: { count, rounds, inFlight, prefetch, bodyBytes: BODY_BYTES, queueType, shards },
    rows: kinds.map(({ name, measured }) => rowOf(name, measured, kinds[0]!.measured)),
    notes: ['% of raw: the median of the rounds, each beside the raw one before it. CPU: of the publishing process.'],
    details: kinds.map(({ name, measured }) => ({ name, rounds: measured })),
  }
}

function rowOf(name: string, rounds: readonly Timed[], raw: readonly Timed[]): Row {
  return {
    what: name,
    'msgs/s': Math.round(median(rounds.map(({ rate: one }) => one))),
    '% of raw': median(rounds.map(({ rate: one }, i) => (one / raw[i]!.rate) * 100)),
    'CPU µs/msg': median(rounds.map(({ cpuMicros }) => cpuMicros)),
    'rounds (msgs/s)': rounds.map(({ rate: one }) => Math.round(one)).join(' '),
  }
}
