import type { Part } from '../../amqp/topology/part.js'
import { deadQueue } from '../../amqp/topology/names.js'
import { isDuequeError } from '../../base/errors.js'
import { delayedExchange, delayedParts } from '../../strategies/plugin/delayed-exchange.js'
import { escaped } from '../doctor/texts.js'
import { delayedIn } from '../leave-plugin/delayed-exchanges.js'
import { managementApis, type ManagementApi } from '../management/api.js'
import { listQueues, type MessageCount } from '../management/resources.js'
import type { OperatorSettings } from '../operator-settings.js'
import { deleteParts, withDeclarer, type Change } from './parts.js'
import { topologyPlan, type TopologyOptions, type TopologyPlan } from './plan.js'

export interface RemoveTopologyOptions extends TopologyOptions {
  /** Deletes queues with their messages, and does without the management API. @default false */
  force?: boolean | undefined
}

export interface Removal {
  changes: Change[]
  /** Messages in the topology before the first deletion. Nothing was deleted for their sake. */
  refused?: Leftover & { moreQueues: number }
  /** A queue that got messages meanwhile. The deletion ended before it. */
  stopped?: Leftover
  /** Why only parts that are known by name were deleted, and not every queue of the namespace. */
  namesOnly?: string
}

/** A queue or exchange that holds messages; `null` if nobody knows how many. */
interface Leftover {
  name: string
  messages: number | null
}

type Counts = ReadonlyMap<string, MessageCount>

/**
 * Deletes the topology of a namespace, unless it holds messages. Work queues, their dead queues and the entries of intakes
 * stay. Stop the producers first: a message that comes in right before the deletion of its queue is lost.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` unless forced: AMQP does not show what a dead-letter worker holds;
 * `PERMISSION_DENIED`; as `connect` does
 */
export async function removeTopology(options: RemoveTopologyOptions): Promise<Removal> {
  const { force = false, intakes = [], onProgress } = options
  const plan = topologyPlan(options)
  const { settings, workQueues } = plan
  const [api] = managementApis(settings, settings.endpoints)
  const { queues, namesOnly } = await queuesOf(api, settings, force)
  const refused = force ? undefined : (fullAmong(queues) ?? (await delayed(api, settings)))
  if (refused) return { changes: [], refused }
  const kept = [...workQueues.flatMap((queue) => [queue, deadQueue(queue)]), ...intakes]
  const parts = partsToDelete(plan, queues, kept)
  const deletion = await withDeclarer(settings, (declarer) => deleteParts(declarer, parts, { force, onProgress }))
  return { ...deletion, ...(namesOnly !== undefined && { namesOnly }) }
}

/** Every queue of the namespace with its total. */
async function queuesOf(
  api: ManagementApi,
  { vhost, names }: OperatorSettings,
  force: boolean,
): Promise<{ queues: Counts; namesOnly?: string }> {
  try {
    return { queues: await listQueues(api, vhost, `^${escaped(names.prefix)}[.]`) }
  } catch (error) {
    if (!force || !isDuequeError(error, 'MANAGEMENT_FAILED')) throw error
    return { queues: new Map(), namesOnly: error.message }
  }
}

function fullAmong(queues: Counts): Removal['refused'] {
  const full = [...queues].filter(([, { messages }]) => messages > 0)
  const [first] = full
  return first && { name: first[0], messages: first[1].messages, moreQueues: full.length - 1 }
}

/** With the strategy `plugin` messages wait in an exchange; in a cluster, on any node. */
async function delayed(api: ManagementApi, { vhost, names }: OperatorSettings): Promise<Removal['refused']> {
  const name = delayedExchange(names)
  const messages = await delayedIn(api, vhost, name)
  if (messages === undefined || messages === 0) return undefined
  return { name, messages, moreQueues: 0 }
}

function partsToDelete({ settings, parts }: TopologyPlan, queues: Counts, kept: readonly string[]): Part[] {
  const known = new Set([...queues.keys(), ...kept])
  const listed = [...queues.keys()].map((name): Part => ({ kind: 'queue', name, arguments: {} }))
  const [exchange] = delayedParts(settings.names)
  return [...parts.filter(({ name }) => !known.has(name)), ...listed, exchange]
}
