import { deadQueue, type Names } from '../amqp/topology/names.js'
import { aFunction, integer, texts } from '../base/checks.js'
import { LadderNames } from '../strategies/ladder/ladder-names.js'
import { rungVariants } from '../strategies/ladder/rungs.js'
import { escaped } from './doctor/texts.js'
import { journalLayout } from '../log/log-layout.js'
import { journalStatus } from './journal-status.js'
import { askManagement } from './management/api.js'
import { listQueues, type MessageCount } from './management/resources.js'
import { operatorSettings, type OnProgress, type OperatorOptions, type OperatorSettings } from './operator-settings.js'
import { countMessages } from './count-messages.js'
import { reportOf, type StatusReport } from './status-report.js'

export interface StatusOptions extends OperatorOptions {
  /** Work queues whose dead queues are in the report. AMQP can count no others. @default all that there are */
  queues?: readonly string[] | undefined
  /** Over AMQP: queues of each rung to look for. @default 1 */
  shards?: number | undefined
  /** Over AMQP: queues counted, of how many. */
  onProgress?: OnProgress | undefined
  /** Called before the queues are counted over AMQP, with the reason, unless `management` is false. */
  onWithoutManagement?: ((reason: string) => void) | undefined
}

/**
 * Counts waiting messages by rung, messages in outlets, unroutable, parked and dead messages. Asks the
 * management API; without one, counts over AMQP, which shows less. Looks into the journal of waiting messages, if there is
 * one, over AMQP.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` if the API was named and does not answer; as `connect` does
 * @example
 * const { waiting, parked } = await statusReport({ url: 'amqp://localhost' })
 */
export async function statusReport(options: StatusOptions): Promise<StatusReport> {
  const settings = operatorSettings(options, {
    queues: texts,
    shards: integer(1, 64),
    onProgress: aFunction,
    onWithoutManagement: aFunction,
  })
  const { queues = [], onWithoutManagement } = options
  const pattern = queuePattern(settings.names)
  const result = await askManagement(settings, settings.endpoints, (api, { vhost }) => listQueues(api, vhost, pattern))
  if ('answer' in result) return reported(settings, 'management', result.answer, queues)
  if (settings.management !== false) onWithoutManagement?.(result.reason)
  return overAmqp(settings, options)
}

/** Of all queues that a report is about: those of the namespace, and the dead queues of the vhost. */
export function queuePattern(names: Names): string {
  return `^${escaped(names.prefix)}[.]|${escaped(deadQueue(''))}$`
}

/**
 * Every queue with messages that there can be, but for outlets, which names alone do not tell; and the streams that tell whether
 * there is a journal.
 */
export function countedQueues(names: Names, { queues, shards }: { queues: readonly string[]; shards: number }) {
  const ladder = new LadderNames(names)
  const streams = journalLayout(names).streams()
  const rungs = rungVariants(['quorum', 'classic'], shards).map(({ rung, variant }) => ladder.wait(rung, variant))
  return [names.unroutable, names.parked, ...queues.map(deadQueue), ...streams.map(({ name }) => name), ...rungs]
}

async function overAmqp(
  settings: OperatorSettings,
  { queues = [], shards = 1, onProgress }: StatusOptions,
): Promise<StatusReport> {
  const all = countedQueues(settings.names, { queues, shards })
  const counts = await countMessages(settings, all, (done) => onProgress?.(done, all.length))
  return reported(settings, 'amqp', readyCounts(counts), queues)
}

/** AMQP counts ready messages alone. */
export function readyCounts(counts: ReadonlyMap<string, number>): Map<string, MessageCount> {
  return new Map([...counts].map(([name, messages]) => [name, { messages, ready: messages }]))
}

async function reported(
  settings: OperatorSettings,
  source: StatusReport['source'],
  counts: ReadonlyMap<string, MessageCount>,
  queues: readonly string[],
): Promise<StatusReport> {
  const journal = await journalStatus(settings, (queue) => counts.has(queue))
  return reportOf(settings.namespace, source, { counts, journal }, queues)
}
