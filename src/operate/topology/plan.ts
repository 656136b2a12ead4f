import { Layout } from '../../amqp/topology/layout.js'
import type { Part } from '../../amqp/topology/part.js'
import { assertOutside } from '../../amqp/topology/reserved-names.js'
import { aFunction, flag, integer, texts } from '../../base/checks.js'
import { cancellationLayout, journalLayout, recurringLayout, type LogLayout } from '../../log/log-layout.js'
import { entryParts, intakeQueue } from '../../forwarding/intake-parts.js'
import { tickParts } from '../../recurring/recurring-layout.js'
import { batchQueue } from '../../message/batch.js'
import { checkQueueName } from '../../message/destination.js'
import { LadderLayout } from '../../strategies/ladder/ladder-layout.js'
import { rungVariants, type Rung, type RungVariant } from '../../strategies/ladder/rungs.js'
import { delayedParts } from '../../strategies/plugin/delayed-exchange.js'
import { operatorSettings, type OnProgress, type OperatorOptions, type OperatorSettings } from '../operator-settings.js'
import { destinationParts } from './parts.js'

/** Which broker, and what belongs to its topology beside the ladder. */
export interface TopologyOptions extends OperatorOptions {
  /** Work queues that are to receive messages. */
  queues?: readonly string[] | undefined
  /** Work queues whose consumers take batches: each with the queue for these. */
  batches?: readonly string[] | undefined
  /** Exchanges that are to receive messages. */
  exchanges?: readonly string[] | undefined
  /** Queues that have an outlet. */
  outlets?: readonly string[] | undefined
  /** Entries of intakes, each with its queue. */
  intakes?: readonly string[] | undefined
  /** With the exchange of the delayed-message plugin, for the strategy `plugin`. @default false */
  plugin?: boolean | undefined
  /**
   * With the exchange and the streams for cancellations. Without them every consumer needs `cancellations: 'off'`.
   * @default true
   */
  cancellationStreams?: boolean | undefined
  /** With the exchange and the streams of a journal of waiting messages. @default false */
  journal?: boolean | undefined
  /** With the exchange and the stream of definitions of recurring messages, and the queue of their ticks. @default false */
  recurring?: boolean | undefined
  /** Queues of each rung. @default 1 */
  shards?: number | undefined
  /** Declares and deletes nothing: the changes are those that there would be. @default false */
  dryRun?: boolean | undefined
  onProgress?: OnProgress | undefined
}

/** Everything that belongs to the topology, in the order of its declaration. */
export interface TopologyPlan {
  settings: OperatorSettings
  ladder: LadderLayout
  rungs: { rung: Rung; variant: RungVariant }[]
  parts: Part[]
  /** Queues of the application: left as they are where they exist, and never deleted. */
  workQueues: string[]
  /** The logs that belong to it. */
  logs: LogLayout[]
}

/** @throws DuequeError `INVALID_OPTION`, `RESERVED_NAME`, `NAME_TOO_LONG` */
export function topologyPlan(options: TopologyOptions): TopologyPlan {
  const settings = operatorSettings(options, {
    queues: texts,
    batches: texts,
    exchanges: texts,
    outlets: texts,
    intakes: texts,
    plugin: flag,
    cancellationStreams: flag,
    journal: flag,
    recurring: flag,
    shards: integer(1, 64),
    dryRun: flag,
    onProgress: aFunction,
    force: flag,
  })
  const { exchanges = [], intakes = [], shards = 1, plugin = false, recurring = false } = options
  const layout = new Layout(settings.names, settings.queueType)
  const ladder = new LadderLayout(settings.names)
  const { queues, batches, outlets } = checkedNames(options, settings)
  const logs = logsOf(options, settings)
  return {
    settings,
    ladder,
    rungs: rungVariants([settings.queueType], shards),
    parts: [
      ...layout.base(),
      // Before the rungs: a broker without streams fails at once.
      ...logs.flatMap((log) => log.parts()),
      ...ladder.everything(settings.queueType, shards),
      ...(recurring ? tickParts(layout) : []),
      ...(plugin ? delayedParts(settings.names) : []),
      ...destinationParts(layout, { queues, batches, exchanges, outlets }),
      ...intakes.flatMap((entry) => entryParts(layout.names, entry)),
    ],
    workQueues: [...queues, ...batches.map(batchQueue)],
    logs,
  }
}

function logsOf(options: TopologyOptions, { names }: OperatorSettings): LogLayout[] {
  const { cancellationStreams = true, journal = false, recurring = false } = options
  return [
    ...(cancellationStreams ? [cancellationLayout(names)] : []),
    ...(journal ? [journalLayout(names)] : []),
    ...(recurring ? [recurringLayout(names)] : []),
  ]
}

function checkedNames(
  { queues = [], batches = [], outlets = [], exchanges = [], intakes = [] }: TopologyOptions,
  { namespace }: OperatorSettings,
) {
  for (const name of batches) checkQueueName('batches', batchQueue(checkQueueName('batches', name)))
  const workQueues = [
    ...queues.map((name) => checkQueueName('queues', name)),
    ...intakes.map((entry) => checkQueueName('intakes', intakeQueue(entry))),
    ...batches.filter((name) => !queues.includes(name)),
  ]
  const withOutlet = outlets.map((name) => checkQueueName('outlets', name))
  for (const queue of [...workQueues, ...withOutlet]) assertOutside({ queue }, namespace)
  for (const exchange of [...exchanges, ...intakes]) assertOutside({ exchange }, namespace)
  return { queues: workQueues, batches, outlets: withOutlet }
}
