import type { ConfirmChannel } from 'amqplib'
import type { Dueque, LadderStrategy, QueueType, ScheduleOptions } from 'dueque'
import { drain, drainBatches, type Broker } from './broker.js'
import { byCallers } from './callers.js'
import { items, randomDelayMs, sample, scheduleEvery, scheduleInBatches, type Payload } from './load.js'
import { timed, type Timed } from './numbers.js'
import { publishAll } from './raw.js'
import { startReceiver } from './receiving.js'

export const RAW_QUEUE = 'bench.raw'
export const TARGET = 'bench.target'

/** The resources that all rounds share. */
export interface World {
  broker: Broker
  channel: ConfirmChannel
  mq: Dueque<LadderStrategy>
  payloads: readonly Payload[]
  /** The same, as the bytes that dueque makes of them. */
  bodies: readonly Buffer[]
  inFlight: number
  prefetch: number
  queueType: QueueType
  shards: number
}

export interface Kind {
  name: string
  run: () => Promise<Timed>
  /** Removes the messages that a round left behind. */
  clear: () => Promise<unknown>
}

/** The raw one first: the others are compared with it. */
export function kindsOf(world: World): Kind[] {
  const { channel, mq, payloads, bodies, inFlight } = world
  const { length: count } = payloads
  const to = { queue: TARGET }
  const hour = (): ScheduleOptions => ({ to, in: 3_600_000, declare: true })
  const seconds = (): ScheduleOptions => ({ to, in: randomDelayMs(), declare: true })
  const inBatches = (options: () => ScheduleOptions) => () => ({ ...options(), declare: false })
  const clearHour = () => Promise.all(hourRungs(world).map((queue) => channel.purgeQueue(queue)))
  return [
    {
      name: 'amqplib publish',
      run: () => timed(count, () => publishAll(channel, RAW_QUEUE, bodies, inFlight)),
      clear: () => channel.purgeQueue(RAW_QUEUE),
    },
    {
      name: 'scheduleAll, 1 h',
      run: () => timed(count, () => scheduleEvery(mq, items(payloads, hour))),
      clear: clearHour,
    },
    {
      name: 'scheduleAll, 1–10 s',
      run: () => timed(count, () => scheduleEvery(mq, items(payloads, seconds))),
      clear: () => drain(channel, TARGET, count),
    },
    {
      name: 'scheduleAll in batches, 1 h',
      run: () => timed(count, () => scheduleInBatches(mq, items(payloads, inBatches(hour)))),
      clear: clearHour,
    },
    {
      name: 'scheduleAll in batches, 1–10 s',
      run: () => timed(count, () => scheduleInBatches(mq, items(payloads, inBatches(seconds)))),
      clear: () => drainBatches(channel, TARGET, count),
    },
    {
      name: 'schedule, 1 h',
      run: () => timed(count, () => scheduleEach(mq, payloads, hour, inFlight)),
      clear: clearHour,
    },
    {
      name: 'amqplib publish → consume',
      run: () => publishAndConsume(world),
      clear: () => channel.purgeQueue(RAW_QUEUE),
    },
  ]
}

function hourRungs({ queueType, shards }: World): string[] {
  const rung = `dueque.v1.wait.${queueType === 'classic' ? 'classic.' : ''}1h`
  return Array.from({ length: shards }, (_, shard) => (shard === 0 ? rung : `${rung}.${shard}`))
}

/** As many callers as `maxInFlight`, each with one `schedule` call after another. */
export async function scheduleEach(
  mq: Dueque,
  payloads: readonly Payload[],
  options: () => ScheduleOptions,
  inFlight: number,
): Promise<void> {
  await byCallers(payloads, inFlight, (payload) => mq.schedule(sample, payload, options()))
}

/** Measures until the last message has arrived in another process. */
async function publishAndConsume({ broker, channel, bodies, inFlight, prefetch }: World): Promise<Timed> {
  const { length: count } = bodies
  const receiver = await startReceiver({ kind: 'raw', url: broker.url, queue: RAW_QUEUE, prefetch })
  const start = Date.now()
  const published = await timed(count, () => publishAll(channel, RAW_QUEUE, bodies, inFlight))
  if (!(await receiver.until(count, 30_000))) throw new Error(`only ${receiver.unique} of ${count} messages arrived`)
  const { lastAt } = await receiver.finish()
  const seconds = (lastAt - start) / 1000
  return { ...published, rate: count / seconds, seconds }
}
