import {
  connect,
  defineMessage,
  ladder,
  on,
  type Dueque,
  type LadderOptions,
  type LadderStrategy,
  type ScheduleOptions,
  type Strategy,
} from 'dueque'
import { z } from 'zod'
import { placeOf, urlOf, type Consuming, type Contestant, type Entrant, type Item } from '../contestant.js'
import { payloadFor, type Payload } from '../payload.js'
import { queuedMessages } from '../servers/rabbitmq.js'
import { WORK_QUEUE } from './amqp-sender.js'

const message = defineMessage('peers.sample', z.object({ n: z.number(), due: z.number(), text: z.string() }))
/** The work queue is declared by the first message, or by its consumer. */
const to = { queue: WORK_QUEUE }
const declare = true
const PREFETCH = 1000
/** With a long lead the consumer holds messages, which count as prefetched. */
const PREFETCH_OF_LONG_LEADS = 20_000

export const duequeLadders: readonly Contestant[] = [
  ladderContestant('dueque', {}),
  ladderContestant('dueque-lead-25', { lead: 25 }),
  ladderContestant('dueque-lead-1000', { lead: 1000 }, PREFETCH_OF_LONG_LEADS),
  ladderContestant('dueque-classic', { queueType: 'classic' }),
  ladderContestant('dueque-shards-4', { shards: 4 }),
  batchContestant('dueque-batches', {}),
  batchContestant('dueque-batches-lead-25', { lead: 25 }),
]

/** The bulk call makes batches. Single calls do not. */
function batchContestant(name: string, options: LadderOptions): Contestant {
  const single = ladderContestant(name, options)
  return {
    ...single,
    about: `${single.about}, scheduleAll with { batch: true }`,
    longOnly: false,
    setUp: async (site) => {
      const place = placeOf(site, 'rabbitmq')
      const mq = await openDueque(place.url, ladder(options))
      // Consumers declare the queue of batches, and stay away meanwhile.
      const consumer = await mq.consume(WORK_QUEUE, [on(message, () => undefined)], { batches: true })
      await consumer.close()
      const entrant = duequeEntrant(mq, { prefetch: PREFETCH, batches: true }, () => queuedMessages(place))
      return { ...entrant, scheduleMany: (items) => scheduleInBatches(mq, items) }
    },
    consume: (urls, arrived) => consumeByDueque(urlOf(urls, 'rabbitmq'), arrived, PREFETCH, true),
  }
}

async function scheduleInBatches(mq: Dueque<LadderStrategy>, items: Iterable<Item>): Promise<void> {
  const undeclared = function* () {
    for (const item of scheduleItems(items)) yield { ...item, options: { ...item.options, declare: false } }
  }
  for await (const { error } of mq.scheduleAll(undeclared(), { batch: true })) if (error) throw error
}

function ladderContestant(name: string, options: LadderOptions, prefetch = PREFETCH): Contestant {
  const code = Object.entries(options).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? `'${value}'` : String(value)}`,
  )
  const isUsual = name === 'dueque' || options.lead === 25
  return {
    name,
    about: code.length === 0 ? 'ladder()' : `ladder({ ${code.join(', ')} })`,
    servers: ['rabbitmq'],
    store: 'rabbitmq',
    longOnly: !isUsual,
    setUp: async (site) => {
      const place = placeOf(site, 'rabbitmq')
      const mq = await openDueque(place.url, ladder(options))
      const settings = { prefetch, 'wait queues': options.queueType ?? 'quorum' }
      return duequeEntrant(mq, settings, () => queuedMessages(place))
    },
    consume: (urls, arrived) => consumeByDueque(urlOf(urls, 'rabbitmq'), arrived, prefetch),
  }
}

export function openDueque<S extends Strategy>(url: string, strategy: S) {
  return connect({ url, strategy, logger: false })
}

export function duequeEntrant(mq: Dueque, settings: Entrant['settings'], waiting: () => Promise<number>): Entrant {
  return {
    settings: { prefetch: PREFETCH, 'work queue': 'quorum', ...settings },
    schedule: async (item) => {
      await mq.schedule(message, payloadFor(item), optionsFor(item))
    },
    scheduleMany: async (items) => {
      for await (const { error } of mq.scheduleAll(scheduleItems(items))) if (error) throw error
    },
    waiting,
    close: () => mq.close(),
  }
}

function* scheduleItems(items: Iterable<Item>) {
  for (const item of items) yield { message, payload: payloadFor(item), options: optionsFor(item) }
}

function optionsFor({ dueAt, delayMs }: Item): ScheduleOptions {
  return delayMs === undefined ? { to, declare, at: new Date(dueAt) } : { to, declare, in: delayMs }
}

export async function consumeByDueque(
  url: string,
  arrived: (payload: Payload) => void,
  prefetch = PREFETCH,
  batches = false,
): Promise<Consuming> {
  const mq = await connect({ url })
  const handler = on(message, ({ payload }) => arrived(payload))
  await mq.consume(WORK_QUEUE, [handler], {
    prefetch,
    concurrency: PREFETCH,
    batches,
    duplicates: { maxEntries: 1_000_000 },
  })
  return { close: () => mq.close() }
}
