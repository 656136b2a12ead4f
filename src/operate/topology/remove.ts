import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { deadQueue } from '../../amqp/topology/names.js'
import type { Part } from '../../amqp/topology/part.js'
import { isDuequeError } from '../../base/errors.js'
import { cancellationLayout, journalLayout, recurringLayout } from '../../log/log-layout.js'
import { tickQueue } from '../../recurring/recurring-layout.js'
import { delayedExchange, delayedParts } from '../../strategies/plugin/delayed-exchange.js'
import { escaped } from '../doctor/texts.js'
import { delayedIn } from '../leave-plugin/delayed-exchanges.js'
import { managementApis, type ManagementApi } from '../management/api.js'
import { listQueues, type QueueFact } from '../management/resources.js'
import { assertOwnBroker } from '../management/same-broker.js'
import type { OperatorSettings } from '../operator-settings.js'
import { LiveRecords, type CountedStream } from './live-records.js'
import { deleteParts, withDeclarer, type Deletion, type DeleteOptions, type Held } from './parts.js'
import { topologyPlan, type TopologyOptions, type TopologyPlan } from './plan.js'

export interface RemoveTopologyOptions extends TopologyOptions {
  /** Deletes queues with their messages, and does without the management API. @default false */
  force?: boolean | undefined
}

export interface Removal extends Deletion {
  /** Messages or live records that are in the topology before the first deletion. Because of them nothing was deleted. */
  refused?: Refusal
  /** Why only parts that are known by name were deleted, and not every queue of the namespace. */
  namesOnly?: string
}

type Refusal = Held & { moreQueues: number }
type Queues = ReadonlyMap<string, QueueFact>

/**
 * Deletes the topology of a namespace, unless it holds messages, cancellations or journal entries of messages that are not due
 * yet, or definitions of recurring messages. Ticks, which follow from definitions, are deleted. Work queues, their dead queues and the entries of intakes stay. Stop the producers first: a message that comes
 * in right before the deletion of its queue is lost.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` unless forced, also for the API of another broker: AMQP does not show what a
 * dead-letter worker holds; `CANCELLATIONS_UNREAD`, `JOURNAL_UNREAD`, `RECURRING_UNREAD`, `PERMISSION_DENIED`; as `connect`
 * does
 */
export async function removeTopology(options: RemoveTopologyOptions): Promise<Removal> {
  const { force = false, dryRun, intakes = [], onProgress } = options
  const plan = topologyPlan({ ...options, cancellationStreams: true, journal: true, recurring: true })
  const { settings, workQueues } = plan
  const [api] = managementApis(settings, settings.endpoints)
  const { queues, namesOnly } = await queuesOf(api, settings, force)
  const streams = force ? [] : streamsAmong(queues, settings)
  const refused = force
    ? undefined
    : (fullAmong(queues, [...streams, { name: tickQueue(settings.names) }]) ?? (await delayed(api, settings)))
  if (refused) return { changes: [], refused }
  const kept = [...workQueues.flatMap((queue) => [queue, deadQueue(queue)]), ...intakes]
  const parts = partsToDelete(plan, queues, kept)
  const removal = await withDeclarer(settings, (declarer, connection) =>
    withLiveRecords(connection, streams, settings, (live) =>
      deleteParts(declarer, parts, { force, dryRun, onProgress, live, ticks: tickQueue(settings.names) }),
    ),
  )
  return { ...removal, ...(namesOnly !== undefined && { namesOnly }) }
}

/** Every queue of the namespace with its total. */
async function queuesOf(
  api: ManagementApi,
  settings: OperatorSettings,
  force: boolean,
): Promise<{ queues: Queues; namesOnly?: string }> {
  const { vhost, names } = settings
  try {
    await assertOwnBroker([api], settings)
    return { queues: await listQueues(api, vhost, `^${escaped(names.prefix)}[.]`) }
  } catch (error) {
    if (!force || !isDuequeError(error, 'MANAGEMENT_FAILED')) throw error
    return { queues: new Map(), namesOnly: error.message }
  }
}

/** The streams that are there. Another queue of the same name would lose the messages that are read. */
function streamsAmong(queues: Queues, { names }: OperatorSettings): CountedStream[] {
  const logs = [cancellationLayout(names), journalLayout(names), recurringLayout(names)]
  const all = logs.flatMap((log) =>
    log.horizons.map((horizon) => ({ name: log.stream(horizon), horizon, log: log.kind })),
  )
  return all.filter(({ name }) => queues.get(name)?.type === 'stream')
}

/** @param others that are counted otherwise: RabbitMQ counts every record of a stream, also those that are over */
function fullAmong(queues: Queues, others: readonly { name: string }[]): Refusal | undefined {
  const counted = new Set(others.map(({ name }) => name))
  const full = [...queues.values()].filter(({ name, messages }) => messages > 0 && !counted.has(name))
  const [first] = full
  return first && { name: first.name, messages: first.messages, what: 'messages', moreQueues: full.length - 1 }
}

/** With the strategy `plugin` messages wait in an exchange; in a cluster, on any node. */
async function delayed(api: ManagementApi, { vhost, names }: OperatorSettings): Promise<Refusal | undefined> {
  const name = delayedExchange(names)
  const messages = await delayedIn(api, vhost, name)
  if (messages === undefined || messages === 0) return undefined
  return { name, messages, what: 'messages', moreQueues: 0 }
}

/** Reads the streams while the work goes on, unless a stream has live records. */
async function withLiveRecords(
  connection: AmqpConnection,
  streams: readonly CountedStream[],
  { logger }: OperatorSettings,
  work: (live: DeleteOptions['live']) => Promise<Removal>,
): Promise<Removal> {
  const live = await LiveRecords.open(connection, streams, logger)
  try {
    const [first, ...more] = await live.all()
    if (!first) return await work(live)
    return { changes: [], refused: { ...first, moreQueues: more.length } }
  } finally {
    await live.close()
  }
}

function partsToDelete({ settings, parts }: TopologyPlan, queues: Queues, kept: readonly string[]): Part[] {
  const known = new Set([...queues.keys(), ...kept])
  const listed = [...queues.keys()].map((name): Part => ({ kind: 'queue', name, arguments: {} }))
  const [exchange] = delayedParts(settings.names)
  return [...parts.filter(({ name }) => !known.has(name)), ...listed, exchange]
}
