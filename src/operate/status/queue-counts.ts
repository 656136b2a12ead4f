import type { ChannelModel } from 'amqplib'
import { deadQueue, type Names } from '../../amqp/topology/names.js'
import { journalLayout, recurringLayout } from '../../log/log-layout.js'
import { tickQueue } from '../../recurring/recurring-layout.js'
import { LadderNames } from '../../strategies/ladder/ladder-names.js'
import { rungVariants } from '../../strategies/ladder/rungs.js'
import { countMessages } from '../count-messages.js'
import { escaped } from '../doctor/texts.js'
import { askManagement } from '../management/api.js'
import { queuesBehind, type QueuesBehind } from '../management/queues-behind.js'
import { listQueues, type MessageCount } from '../management/resources.js'
import { assertSameBroker, clusterOf } from '../management/same-broker.js'
import type { OnProgress, OperatorSettings } from '../operator-settings.js'
import type { CountReport } from '../status-report.js'

export interface QueueCountOptions {
  /** Work queues to report on. AMQP shows no others, but for those of waiting messages. @default all that there are */
  queues?: readonly string[] | undefined
  /** Over AMQP: queues of each rung to look for. @default 1 */
  shards?: number | undefined
  /** Over AMQP: queues counted, of how many. */
  onProgress?: OnProgress | undefined
  /** Called before the queues are counted over AMQP, with the reason, unless `management` is false. */
  onWithoutManagement?: ((reason: string) => void) | undefined
}

export interface QueueCounts {
  readonly source: CountReport['source']
  /** Of each queue that exists, as far as it was looked for. */
  readonly counts: ReadonlyMap<string, MessageCount>
  /** Undefined over AMQP. */
  readonly behind?: QueuesBehind
}

/**
 * Counts the messages of all queues by the management API; without one, those of the namespace and those that were named.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` if the API was named, and does not answer or is that of another broker
 */
export async function countQueues(
  model: ChannelModel,
  settings: OperatorSettings,
  { queues = [], shards = 1, onProgress, onWithoutManagement }: QueueCountOptions,
): Promise<QueueCounts> {
  const { names, endpoints } = settings
  const result = await askManagement(settings, endpoints, async (api, { vhost }) => {
    await assertSameBroker(api, clusterOf(model))
    // Work queues may have any name.
    return { counts: await listQueues(api, vhost), behind: await queuesBehind(api, vhost, names) }
  })
  if ('answer' in result) return { source: 'management', ...result.answer }
  if (settings.management !== false) onWithoutManagement?.(result.reason)
  const all = countedQueues(names, { queues, shards })
  return {
    source: 'amqp',
    counts: readyCounts(await countMessages(model, all, { onCounted: (done) => onProgress?.(done, all.length) })),
  }
}

/** Of all queues that counts by purpose are about: those of the namespace, and the dead queues of the vhost. */
export function queuePattern(names: Names): string {
  return `^${escaped(names.prefix)}[.]|${escaped(deadQueue(''))}$`
}

/**
 * Every queue with messages that there can be, but for outlets, which names alone do not tell; and the streams and the queue that tell
 * whether there are a journal and recurring messages.
 */
export function countedQueues(names: Names, { queues, shards }: { queues: readonly string[]; shards: number }) {
  const ladder = new LadderNames(names)
  const streams = [...journalLayout(names).streams(), ...recurringLayout(names).streams()].map(({ name }) => name)
  const rungs = rungVariants(['quorum', 'classic'], shards).map(({ rung, variant }) => ladder.wait(rung, variant))
  return [names.unroutable, names.parked, tickQueue(names), ...queues.map(deadQueue), ...streams, ...rungs]
}

/** AMQP counts ready messages alone. */
export function readyCounts(counts: ReadonlyMap<string, number>): Map<string, MessageCount> {
  return new Map([...counts].map(([name, messages]) => [name, { messages, ready: messages }]))
}
